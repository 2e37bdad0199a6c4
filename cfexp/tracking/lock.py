"""The lock that lets one process at a time write a study to MLflow."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from cfexp.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def projector_lock(home: Path, name: str, patience: float = 0) -> Iterator[None]:
    """Hold the study `name`, waiting `patience` seconds: two projectors would double its runs.

    Raises
    ------
    TrackingError
        When another process keeps it.
    """
    from filelock import FileLock, Timeout

    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"mlflow-{quote(name, safe='')}.lock", timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise TrackingError(f"another process is writing study {name!r} to MLflow") from None
    try:
        yield
    finally:
        lock.release()
