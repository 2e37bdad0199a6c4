"""The Optuna storage of a home: one SQLite file for all its studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
import sqlalchemy
from filelock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.storages import RDBStorage


def is_storage(home: Path) -> bool:
    """Return whether any study was run in `home`."""
    return (home / "optuna.db").exists()


def open_storage(home: Path) -> RDBStorage:
    """Open the Optuna storage of `home`, and create it if it is not there.

    SQLite with a write-ahead log, so that a commit is cheap and survives the death of
    any process; transactions take the write lock at once, so that claims are atomic.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    home.mkdir(parents=True, exist_ok=True)
    path = (home / "optuna.db").resolve()
    with FileLock(home / "optuna.lock"):
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}}
        )
    storage.engine.dispose()

    @sqlalchemy.event.listens_for(storage.engine, "connect")
    def _connected(connection: Any, _: object) -> None:  # noqa: ANN401
        connection.isolation_level = None  # transactions are begun below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sqlalchemy.event.listens_for(storage.engine, "begin")
    def _begun(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return storage


def study_names(storage: RDBStorage) -> list[str]:
    """Return the names of all studies, the newest first."""
    studies = storage.get_all_studies()
    return [study.study_name for study in sorted(studies, key=lambda one: -one._study_id)]  # noqa: SLF001
