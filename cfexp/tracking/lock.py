"""Locks in a home: one process at a time writes a study to MLflow, or decides on a champion."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from cfexp.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from filelock import BaseFileLock


def lock_of(home: Path, name: str, patience: float) -> BaseFileLock:
    """Return a lock of a home, to be waited for so many seconds."""
    from filelock import FileLock

    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{quote(name, safe='')}.lock", timeout=patience)


@contextmanager
def projector_lock(home: Path, name: str, patience: float = 0) -> Iterator[None]:
    """Hold the study `name`, waiting `patience` seconds: two projectors would double its runs.

    Raises
    ------
    TrackingError
        When another process keeps it.
    """
    from filelock import Timeout

    lock = lock_of(home, f"mlflow-{name}", patience)
    try:
        lock.acquire()
    except Timeout:
        raise TrackingError(f"another process is writing study {name!r} to MLflow") from None
    try:
        yield
    finally:
        lock.release()
