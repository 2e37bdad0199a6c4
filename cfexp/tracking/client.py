"""Opening MLflow: quiet, bounded in time, created whole or not at all, one at a time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.addresses import redacted
from cfexp.errors import TrackingError
from cfexp.tracking.address import SQLITE, check_address, is_missing, is_server
from cfexp.tracking.reason import reason

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that is down costs about 3 seconds; MLflow's own settings make it 247.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}
# While a study runs nobody waits for MLflow: what fails is written when the study ends.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}
_WAITED_FOR = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # at its end somebody does, for an upload too
_LOCK_SECONDS = 120
_CONNECT_SECONDS = 5
_LOCKED_SECONDS = 3
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# How the drivers call the time that a connection may take.
_TIMEOUTS = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "mysqlconnector": "connection_timeout",
    "pg8000": "timeout",
    "pyodbc": "timeout",
}


_ours: set[str] = set()  # the settings that `be_impatient` made


def quiet_environment() -> dict[str, str]:
    """Return the environment for MLflow: the user's settings win over ours."""
    return _SETTINGS | os.environ


def be_impatient() -> None:
    """Let no call of this process to a server take longer than seconds, if nobody said more."""
    _ours.clear()
    for name in _IMPATIENT.keys() - os.environ.keys():
        os.environ[name] = _IMPATIENT[name]
        _ours.add(name)


def be_patient() -> None:
    """Let calls take longer again, in a process that was impatient, if nobody said more."""
    for name in _ours & _WAITED_FOR.keys():
        os.environ[name] = _WAITED_FOR[name]
    _ours.clear()


def open_client(uri: str, home: Path) -> MlflowClient:
    """Return a client whose store is reachable, creating the database where needed.

    Processes that come at once wait for each other: three that create one SQLite
    database together break it for good. A new one appears under its name only when it
    is complete, so that a process killed half-way leaves nothing behind.

    Raises
    ------
    TrackingError
        When the address is not understood, or the store cannot be reached or refuses.
    """
    from filelock import FileLock

    ready(uri)
    if is_server(uri):
        return _connect(uri)
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "mlflow.lock", timeout=_LOCK_SECONDS):
        if is_missing(uri):
            _create_sqlite(Path(uri.removeprefix(SQLITE)))
        return _connect(uri)


def ready(uri: str) -> None:
    """Do what takes seconds before there is anything to write: import, and an empty database.

    Raises
    ------
    TrackingError
        When the address is not understood.
    """
    check_address(uri)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if is_missing(uri):
        _empty_database()
    elif is_server(uri):
        import mlflow
    else:
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


@cache
def _empty_database() -> sqlite3.Connection:
    """Return a new MLflow database, in memory: there its migrations wait for no disk."""
    name = "file:cfexp-mlflow?mode=memory&cache=shared"
    held = sqlite3.connect(name, uri=True, check_same_thread=False)  # it lives as long as this
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SQLAlchemy's pool of another kind
        _connect(f"{SQLITE}{name}&uri=true")
    return held


def _create_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(unfinished)) as file:
        _empty_database().backup(file)
        # A commit costs one write to the disk rather than several, and readers do not wait.
        file.execute("PRAGMA journal_mode = wal")
    unfinished.rename(path)


def settle(uri: str) -> None:
    """Bring what SQLite keeps in its log into the database file, which may be copied then."""
    if uri.startswith(SQLITE):
        with (
            contextlib.suppress(sqlite3.Error),  # somebody reads it: they will do it
            contextlib.closing(sqlite3.connect(uri.removeprefix(SQLITE))) as file,
        ):
            file.execute("PRAGMA wal_checkpoint(truncate)")


def check_unlocked(uri: str) -> None:
    """Refuse a SQLite database that cannot be written now; MLflow waits 20 s at each attempt.

    Raises
    ------
    TrackingError
        When another process keeps its lock, or the file cannot be written.
    """
    if uri.startswith(SQLITE):
        try:
            with contextlib.closing(
                sqlite3.connect(uri.removeprefix(SQLITE), timeout=_LOCKED_SECONDS)
            ) as file:
                file.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise TrackingError(str(error)) from None


def check_database(uri: str) -> None:
    """Connect once to the database at `uri`; nothing happens for a server's address.

    MLflow itself tries 15 times, for 105 seconds, and prints every failure.

    Raises
    ------
    TrackingError
        When there is no database, it does not answer, or it refuses.
    """
    if not uri.startswith(_DATABASES):
        return
    import sqlalchemy

    try:
        url = sqlalchemy.make_url(uri)
        limit = _TIMEOUTS.get(url.get_driver_name())
        timed = {limit: _CONNECT_SECONDS} if limit and limit not in url.query else {}
        engine = sqlalchemy.create_engine(url, connect_args=timed, poolclass=sqlalchemy.NullPool)
        sqlalchemy.inspect(engine).has_table("alembic_version")
    except Exception as error:  # noqa: BLE001 - drivers have errors of their own
        raise TrackingError(redacted(str(error).strip().partition("\n")[0])) from None


def _connect(uri: str) -> MlflowClient:
    import logging

    from mlflow import MlflowClient

    check_database(uri)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries are no news
    client = MlflowClient(uri)
    try:
        client.search_experiments(max_results=1)
    except Exception as error:  # noqa: BLE001 - whatever the way to the store raises
        raise TrackingError(reason(error)) from None
    return client
