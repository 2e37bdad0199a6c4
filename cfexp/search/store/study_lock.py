"""The lock that gives a study to one coordinator at a time."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cfexp.errors import InputError, StudyConflictError
from cfexp.search.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cfexp.search.place import Where

_PATIENCE = 0.5
"""Seconds to wait for a process that only looks whether a study runs, which takes its lock."""


@contextlib.contextmanager
def study_lock(where: Where, name: str) -> Iterator[Callable[[], None]]:
    """Hold the study for this process alone; the lock dies with its holder.

    Gives a check that raises a StorageError when a shared storage went away, and the
    lock with it.

    Raises
    ------
    StudyConflictError
        When another process runs the study.
    InputError
        When the home cannot be written, or a shared storage not be used.
    """
    place = Place.of(where)
    with ExitStack() as held:
        check: Callable[[], None] = _nothing
        if place.storage is not None:
            from cfexp.search.store.postgres import shared_lock

            check = held.enter_context(shared_lock(place.storage, name))
        words = f"study {name!r} is being run by another process"
        held.enter_context(folder_lock(place.folder(name), words, patience=_PATIENCE))
        yield check


@contextlib.contextmanager
def folder_lock(folder: Path, otherwise: str, *, patience: float = 0) -> Iterator[None]:
    """Hold a folder, made if it is not there, for this process alone; `patience` in seconds.

    Raises
    ------
    StudyConflictError
        When another process holds it; says `otherwise`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=patience)
        lock.acquire()
    except Timeout:
        raise StudyConflictError(otherwise) from None
    except OSError as error:
        raise InputError(f"the home {folder} cannot be written: {error}") from None
    try:
        yield
    finally:
        lock.release()


def is_running(where: Where, name: str) -> bool:
    """Return whether some process runs the study."""
    place = Place.of(where)
    if place.storage is not None:
        from cfexp.search.store.postgres import is_locked

        return is_locked(place.storage, name)
    folder = place.folder(name)
    if not folder.is_dir():
        return False
    try:
        with folder_lock(folder, ""):
            return False
    except StudyConflictError:
        return True


def _nothing() -> None:
    """Check nothing: a lock on a file is held until it is released."""
