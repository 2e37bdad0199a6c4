"""PostgreSQL as the storage that several machines share, and locks that die with their holder."""

from __future__ import annotations

import hashlib
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

import optuna
import psycopg
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from cfexp.addresses import redacted
from cfexp.errors import InputError, StorageError, StudyConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optuna.storages import RDBStorage
    from sqlalchemy import Connection

# libpq's: seconds to connect, and until a connection to a machine that is gone is given up
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_TABLES = "cfexp tables"


def open_shared(url: str, tables: sqlalchemy.MetaData) -> RDBStorage:
    """Open Optuna's storage at `url`, and make its tables and ours where they are missing.

    Several processes may do so at once. When the database fails later on, whatever is
    asked of it raises a StorageError.

    Raises
    ------
    InputError
        When the database cannot be used.
    """
    try:
        with _connection(url) as connection:
            connection.execute(_call("pg_advisory_lock", _TABLES))
            storage = optuna.storages.RDBStorage(
                _address(url).render_as_string(hide_password=False),
                # a connection that broke while it was idle is made anew
                engine_kwargs={"pool_pre_ping": True},
            )
            tables.create_all(storage.engine)
    except (SQLAlchemyError, RuntimeError, optuna.exceptions.OptunaError) as error:
        raise _unusable(url, error) from None

    @sqlalchemy.event.listens_for(storage.engine, "handle_error")
    def _failed(context: sqlalchemy.engine.ExceptionContext) -> None:
        failure = context.original_exception
        if context.is_pre_ping or not isinstance(failure, psycopg.Error):  # as Ctrl-C is not
            return
        if context.is_disconnect or isinstance(failure, psycopg.OperationalError):
            raise StorageError(_lost(url, failure)) from None

    weakref.finalize(storage, storage.engine.dispose)  # psycopg complains of open connections
    return storage


def check_shared(url: str) -> None:
    """Raise an InputError when the database cannot be used."""
    try:
        _connection(url).close()
    except SQLAlchemyError as error:
        raise _unusable(url, error) from None


@contextmanager
def shared_lock(url: str, study: str) -> Iterator[Callable[[], None]]:
    """Hold the study for this process alone, among all machines; gives a check that it still is.

    Raises
    ------
    StudyConflictError
        When another process runs the study.
    InputError
        When the database cannot be used.
    """
    try:
        lock = _connection(url)
    except SQLAlchemyError as error:
        raise _unusable(url, error) from None
    with lock:
        # the server lets go of a machine that vanished after a minute, not after two hours
        for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
            lock.exec_driver_sql(f"SET tcp_keepalives_{name} = {value}")
        if not lock.execute(_call("pg_try_advisory_lock", _name(study))).scalar():
            raise StudyConflictError(f"study {study!r} is being run by another process")

        def check() -> None:
            try:
                lock.exec_driver_sql("SELECT 1")
            except SQLAlchemyError as error:
                raise StorageError(_lost(url, error)) from None

        yield check


def is_locked(url: str, study: str) -> bool:
    """Return whether some process holds the study."""
    high, low = divmod(_key(_name(study)) % 2**64, 2**32)
    held = sqlalchemy.text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = :high AND objid::bigint = :low AND objsubid = 1)"
    )
    try:
        with _connection(url) as connection:
            return bool(connection.execute(held, {"high": high, "low": low}).scalar())
    except SQLAlchemyError as error:
        raise _unusable(url, error) from None


def _connection(url: str) -> Connection:
    """Return a connection of its own, outside transactions; closing it ends its locks."""
    engine = sqlalchemy.create_engine(
        _address(url), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    return engine.connect()


def _address(url: str) -> sqlalchemy.URL:
    address = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
    return address.set(query=_PATIENCE | dict(address.query))


def _name(study: str) -> str:
    return f"cfexp study {study}"


def _key(name: str) -> int:
    """Return the number that PostgreSQL knows a lock by."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _call(function: str, name: str) -> sqlalchemy.Select[tuple[bool]]:
    key = sqlalchemy.literal(_key(name), sqlalchemy.BigInteger)
    return sqlalchemy.select(getattr(sqlalchemy.func, function)(key))


def _unusable(url: str, error: Exception) -> InputError:
    return InputError(f"the storage {redacted(url)} cannot be used: {_words(error)}")


def _lost(url: str, failure: BaseException) -> str:
    return (
        f"the storage {redacted(url)} went away: {_words(failure)}. "
        "Everything finished is kept; the same command goes on"
    )


def _words(error: BaseException) -> str:
    """Return what the database said, in one line."""
    cause = error.__cause__ if isinstance(error, optuna.exceptions.OptunaError) else error
    said = getattr(cause, "orig", None) or error
    return redacted(" ".join(str(said).split()))
