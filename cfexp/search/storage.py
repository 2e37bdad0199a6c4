"""The Optuna storage of a home: one SQLite file for all its studies."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import optuna
import sqlalchemy
from filelock import FileLock

from cfexp.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optuna.storages import RDBStorage


_PATIENCE = 60  # seconds that a writer waits for another
ABOUT = "about"
"""The attribute that a study is recognised by: its science, spec, text, data and split."""


def is_storage(home: Path) -> bool:
    """Return whether any study was run in `home`."""
    return (home / "optuna.db").exists()


def open_storage(home: Path) -> RDBStorage:
    """Open the Optuna storage of `home`, and create it if it is not there.

    SQLite with a write-ahead log, so that a commit is cheap and survives the death of
    any process; `flush` makes it survive a loss of power. Transactions take the write lock
    at once, so that claims are atomic.

    Raises
    ------
    InputError
        When the home cannot be written, or its `optuna.db` is no database.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = home.absolute() / "optuna.db"

    def connect() -> sqlite3.Connection:
        # By path: a URL would give characters such as "?" a meaning.
        connection = sqlite3.connect(
            path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "optuna.lock"):
            connect().close()
            storage = optuna.storages.RDBStorage(
                "sqlite:///optuna.db", engine_kwargs={"creator": connect}
            )
    except (OSError, sqlite3.Error, sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
        raise InputError(f"the home {home} cannot be used: {error}") from error

    @sqlalchemy.event.listens_for(storage.engine, "begin")
    def _begun(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return storage


def flush(home: Path) -> None:
    """Bring the home's write-ahead log to the disk; nothing happens where there is none.

    Once for each finished run, this costs a seventh of what SQLite takes to do so with every
    commit of a trial (`synchronous = FULL`).
    """
    with suppress(FileNotFoundError):
        log = os.open(home / "optuna.db-wal", os.O_RDONLY)
        try:
            os.fsync(log)
        finally:
            os.close(log)


@contextmanager
def told_of_storage() -> Iterator[None]:
    """Say in one line why the storage failed while the block runs: a full disk, a lock held.

    Raises
    ------
    StorageError
        When it did.
    """
    try:
        yield
    except optuna.exceptions.StorageInternalError as error:
        cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
        raise StorageError(
            f"Optuna's storage cannot be written: {cause}. Everything finished is kept; "
            "run the same command again when this is mended"
        ) from error


def study_names(storage: RDBStorage) -> list[str]:
    """Return the names of all studies that have begun, the newest first."""
    studies = sorted(storage.get_all_studies(), key=lambda study: -study._study_id)  # noqa: SLF001
    return [study.study_name for study in studies if ABOUT in study.user_attrs]
