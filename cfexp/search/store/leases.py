"""Leases: which process holds which running trial, and until when.

A trial runs under a lease, written together with its state. A lease lasts a minute by
the database's clock (CFEXP_LEASE_SECONDS), and whoever holds it renews it while it lives.
One that has run out, or that is missing, belongs to a process that died or sleeps: its
trial may be put back to waiting. Ending a trial needs the lease that it was begun under,
so a process that only slept cannot write over what another one did meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy
from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    column,
    func,
    table,
)
from sqlalchemy.exc import SQLAlchemyError

from cfexp.errors import InputError, StorageError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine, Select

TABLES = MetaData()
LEASES = Table(
    "cfexp_leases",
    TABLES,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("claim", String(32), nullable=False),
    Column("session", String(32), nullable=False),
    Column("host", String(255), nullable=False),
    Column("coordinator", Boolean, nullable=False),
    Column("until", Double, nullable=False),  # seconds since 1970
)
# Optuna's tables, as far as we ask them ourselves
STUDIES = table("studies", *map(column, ("study_id", "study_name")))
ATTRIBUTES = table("study_user_attributes", *map(column, ("study_id", "key", "value_json")))
TRIALS = table(
    "trials", *map(column, ("trial_id", "number", "study_id", "state", "datetime_start"))
)
_SECONDS = 60
_BEATS = 6  # renewals in the time of a lease


class Leases:
    """The leases of one session of this process, renewed until it is closed."""

    def __init__(self, engine: Engine, *, coordinator: bool) -> None:
        self.session = uuid.uuid4().hex
        self._engine = engine
        self._coordinator = coordinator
        self._seconds = lease_seconds()
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beating.join()

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / _BEATS):
            # where the database is away, whatever else is asked of it says so
            with contextlib.suppress(StorageError, SQLAlchemyError):
                self.renew()

    def renew(self) -> None:
        """Make all leases of this session last from now on."""
        with self._engine.begin() as connection:
            connection.execute(
                sqlalchemy.update(LEASES)
                .where(LEASES.c.session == self.session)
                .values(until=now(connection) + self._seconds)
            )

    def take(self, connection: Connection, trial_id: int) -> str:
        """Write a lease for a trial that was waiting and return its claim."""
        claim = uuid.uuid4().hex
        give_up(connection, trial_id)
        values: dict[str, Any] = {
            "trial_id": trial_id,
            "claim": claim,
            "session": self.session,
            "host": socket.gethostname()[:255],
            "coordinator": self._coordinator,
            "until": now(connection) + self._seconds,
        }
        connection.execute(sqlalchemy.insert(LEASES).values(values))
        return claim


def give_up(connection: Connection, trial_id: int) -> None:
    """Delete a trial's lease."""
    connection.execute(sqlalchemy.delete(LEASES).where(LEASES.c.trial_id == trial_id))


def claim_of(connection: Connection, trial_id: int) -> str | None:
    """Return the claim that a trial runs under."""
    query = sqlalchemy.select(LEASES.c.claim).where(LEASES.c.trial_id == trial_id)
    return connection.execute(query).scalar()


def now(connection: Connection) -> ColumnElement[float]:
    """Return the database's time, in seconds since 1970, as an expression."""
    if connection.dialect.name == "sqlite":
        return (func.julianday("now", type_=Double) - 2440587.5) * 86400.0
    return sqlalchemy.cast(func.extract("epoch", func.clock_timestamp()), Double)


def trials_of(study: str) -> Select[tuple[int]]:
    """Return the query for the trials of a study, by its name."""
    named = sqlalchemy.select(STUDIES.c.study_id).where(STUDIES.c.study_name == study)
    return sqlalchemy.select(TRIALS.c.trial_id).where(TRIALS.c.study_id.in_(named))


def working_hosts(connection: Connection, study: str) -> list[str]:
    """Return the hosts of workers that run trials of a study, its coordinator left out.

    A coordinator's death shows at once, in the study's lock; a worker's when its leases end.
    """
    query = sqlalchemy.select(LEASES.c.host).where(
        LEASES.c.trial_id.in_(trials_of(study)),
        ~LEASES.c.coordinator,
        LEASES.c.until >= now(connection),
    )
    return sorted(set(connection.execute(query).scalars()))


def lease_seconds() -> float:
    """Return how long a lease lasts: CFEXP_LEASE_SECONDS, or a minute."""
    wanted = os.environ.get("CFEXP_LEASE_SECONDS") or _SECONDS
    try:
        seconds = float(wanted)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86400:  # noqa: PLR2004 - a day
        raise InputError(f"CFEXP_LEASE_SECONDS is from 1 to 86400 seconds, not {wanted!r}")
    return seconds
