"""The Optuna storage of a place: an SQLite file for all studies of a home, or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import NOT_FOUND_MSG
from sqlalchemy.orm import scoped_session, sessionmaker

from cfexp.errors import InputError, StorageError, StudyConflictError
from cfexp.search.place import Place
from cfexp.search.store.leases import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cfexp.search.place import Where


_PATIENCE = 60  # seconds that a writer waits for another
ABOUT = "about"
"""The attribute that a study is recognised by: its science, spec, text, data and split."""


def is_storage(where: Where) -> bool:
    """Return whether there is a storage; a shared one is made where there is none."""
    place = Place.of(where)
    return place.storage is not None or (place.home / "optuna.db").exists()


def open_storage(where: Where) -> RDBStorage:
    """Open the Optuna storage of a place, and create it if it is not there.

    Raises
    ------
    InputError
        When the home cannot be written, its `optuna.db` is no database, or a shared
        database cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place = Place.of(where)
    if place.storage is None:
        return _open_home(place.home)
    from cfexp.search.store.postgres import open_shared

    return open_shared(place.storage, TABLES)


def _open_home(home: Path) -> RDBStorage:
    """Open the home's SQLite file.

    It has a write-ahead log, so that a commit is cheap and survives the death of any
    process; `flush` makes it survive a loss of power. Transactions take the write lock at
    once, so that claims are atomic.
    """
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
            storage = RDBStorage("sqlite:///optuna.db", engine_kwargs={"creator": connect})
            TABLES.create_all(storage.engine)
    except (OSError, sqlite3.Error, sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
        raise InputError(f"the home {home} cannot be used: {error}") from error

    @sqlalchemy.event.listens_for(storage.engine, "begin")
    def _begun(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return storage


@contextmanager
def transaction(storage: RDBStorage) -> Iterator[tuple[sqlalchemy.Connection, RDBStorage]]:
    """Give a connection and Optuna's storage on it: what the block writes is there whole or not.

    Optuna commits after every call; on this connection that only ends a savepoint.
    """
    with storage.engine.begin() as connection:
        within = RDBStorage.__new__(RDBStorage)
        sessions = sessionmaker(bind=connection, join_transaction_mode="create_savepoint")
        vars(within).update(vars(storage), scoped_session=scoped_session(sessions))
        yield connection, within


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
    StudyConflictError
        When the study was deleted meanwhile.
    """
    try:
        yield
    except Exception as error:
        if failure := failure_of(error):
            raise failure from error
        raise


def failure_of(error: BaseException) -> StorageError | StudyConflictError | None:
    """Return an error of Optuna's storage in one line; None where it is something else."""
    if isinstance(error, KeyError) and error.args == (NOT_FOUND_MSG,):
        return StudyConflictError("the study was deleted meanwhile")
    if not isinstance(error, (optuna.exceptions.StorageInternalError, sqlalchemy.exc.DBAPIError)):
        return None
    cause = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
    return StorageError(
        f"Optuna's storage cannot be written: {cause}. Everything finished is kept; "
        "run the same command again when this is mended"
    )


def study_names(storage: RDBStorage) -> list[str]:
    """Return the names of all studies that have begun, the newest first."""
    studies = sorted(storage.get_all_studies(), key=lambda study: -study._study_id)  # noqa: SLF001
    return [study.study_name for study in studies if ABOUT in study.user_attrs]
