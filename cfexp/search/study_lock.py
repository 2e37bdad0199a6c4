"""The lock that gives a study to one process at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cfexp.errors import StudyConflictError

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
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise StudyConflictError(f"study {name!r} is being run by another process") from None
    try:
        yield
    finally:
        lock.release()
