"""The lock that gives a study to one process at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cfexp.errors import InputError, StudyConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def study_lock(home: Path, name: str) -> Iterator[None]:
    """Hold the study for this process alone; the lock dies with its holder.

    Raises
    ------
    StudyConflictError
        When another process runs the study.
    """
    folder = home / "studies" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", blocking=False)
        lock.acquire()
    except Timeout:
        raise StudyConflictError(f"study {name!r} is being run by another process") from None
    except OSError as error:
        raise InputError(f"the home {home} cannot be written: {error}") from None
    try:
        yield
    finally:
        lock.release()


def is_running(home: Path, name: str) -> bool:
    """Return whether some process runs the study."""
    if not (home / "studies" / name).is_dir():
        return False
    try:
        with study_lock(home, name):
            return False
    except StudyConflictError:
        return True
