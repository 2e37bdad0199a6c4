"""`Claims`: what one process takes of a study's trials, beside all others that do.

waiting -> taken (running, under a lease) -> ended (its record, its state, no lease)
   ^                       |
   +--- put back: the lease ran out, or its holder stopped

Every arrow is one transaction under the lock of the trial's row, so that of several
processes one goes it and a death leaves all of it or nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from optuna.trial import TrialState
from sqlalchemy import select

from cfexp.errors import StorageError, StudyConflictError
from cfexp.search.store.leases import (
    ATTRIBUTES,
    LEASES,
    STUDIES,
    TRIALS,
    Leases,
    claim_of,
    give_up,
    now,
)
from cfexp.search.store.storage import ABOUT, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial
    from sqlalchemy import ColumnElement, Connection

    from cfexp.search.store.record import RunRecord, State
    from cfexp.search.store.store import Store

STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
"""A record's state, as Optuna has it."""


@dataclass(frozen=True)
class Slot:
    """A trial as it stands: `claim`, `session` and `host` of whoever runs it."""

    number: int
    trial_id: int
    state: TrialState
    claim: str | None
    session: str | None
    host: str | None
    stale: bool
    """Running, and nobody holds it."""


class Claims:
    """Takes trials for this process and ends them; a context in which leases are renewed.

    A `coordinator` holds the study's lock: what earlier coordinators left running is put
    back at once. On leaving, what is not ended goes back to waiting.
    """

    def __init__(self, store: Store, *, coordinator: bool) -> None:
        self._store = store
        self._storage = store.storage
        self._study_id = store.study._study_id  # noqa: SLF001
        self._leases = Leases(store.storage.engine, coordinator=coordinator)
        self._coordinator = coordinator
        self._taken: dict[int, tuple[int, str]] = {}
        self._untouched: dict[int, FrozenTrial] = {}

    @property
    def worker(self) -> str:
        """The name that runs remember this session by; none for the coordinator."""
        return "" if self._coordinator else self._leases.session[:8]

    def __enter__(self) -> Self:
        if self._coordinator:
            self._put_back(LEASES.c.coordinator)
        self._leases.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._leases.__exit__()
        with contextlib.suppress(StorageError, StudyConflictError):  # then leases run out
            self._put_back(LEASES.c.session == self._leases.session)

    def look(self) -> list[Slot]:
        """Return all slots by number; stale ones are put back to waiting first."""
        slots = self._slots()
        for place, slot in enumerate(slots):
            if slot.stale and self._release(slot.trial_id, slot.claim):
                slots[place] = dataclasses.replace(slot, state=TrialState.WAITING, stale=False)
        return slots

    def take(self, slot: Slot) -> FrozenTrial | None:
        """Set a waiting trial running, held by this process; None when another was quicker."""
        with self._alone(slot.trial_id) as (connection, storage, state):
            self._check(connection)
            if state is not TrialState.WAITING:
                return None
            trial = self._untouched.get(slot.number)
            if trial is None or self._has_run(connection, slot.trial_id):
                trial = storage.get_trial(slot.trial_id)
            storage.set_trial_state_values(slot.trial_id, TrialState.RUNNING)
            claim = self._leases.take(connection, slot.trial_id)
        self._taken[slot.number] = slot.trial_id, claim
        return trial

    def set_params(self, number: int, trial: FrozenTrial) -> None:
        """Write the parameters that a taken trial is run with."""
        trial_id, claim = self._taken[number]
        with self._alone(trial_id) as (connection, storage, _):
            if claim_of(connection, trial_id) != claim:
                return
            for name, value in trial.params.items():
                kind = trial.distributions[name]
                storage.set_trial_param(trial_id, name, kind.to_internal_repr(value), kind)

    def end(self, record: RunRecord, noted: dict[str, Any] | None = None) -> bool:
        """Write a taken trial's record and state; False when it was lost to another process.

        `noted` are the trial's system attributes: what its pruner holds others against.
        """
        trial_id, claim = self._taken.pop(record.trial)
        values = None
        if record.state != "failed":
            values = [record.metrics[f"val/{name}"] for name in self._store.objectives]
        with self._alone(trial_id) as (connection, storage, _):
            if claim_of(connection, trial_id) != claim:
                return False
            give_up(connection, trial_id)
            for key, value in (noted or {}).items():
                storage.set_trial_system_attr(trial_id, key, value)
            storage.set_trial_user_attr(trial_id, "record", json.dumps(record.to_json()))
            storage.set_trial_state_values(trial_id, STATES[record.state], values)
        self._store.flush()
        return True

    def put_back(self, number: int) -> None:
        """Put a taken trial back to waiting, under its number with its parameters."""
        self._release(*self._taken.pop(number))

    def read(self, slot: Slot) -> FrozenTrial:
        """Return a trial as it is stored."""
        return self._storage.get_trial(slot.trial_id)

    def read_all(self) -> list[FrozenTrial]:
        """Return all trials as they are stored; those that wait are not read again."""
        trials = self._store.study.get_trials(deepcopy=False)
        self._untouched = {
            trial.number: trial for trial in trials if trial.state is TrialState.WAITING
        }
        return trials

    @staticmethod
    def _has_run(connection: Connection, trial_id: int) -> bool:
        query = select(TRIALS.c.datetime_start).where(TRIALS.c.trial_id == trial_id)
        return connection.execute(query).scalar() is not None

    def _slots(self) -> list[Slot]:
        with self._storage.engine.begin() as connection:
            self._check(connection)
            query = (
                select(
                    TRIALS.c.number,
                    TRIALS.c.trial_id,
                    TRIALS.c.state,
                    LEASES.c.claim,
                    LEASES.c.session,
                    LEASES.c.host,
                    LEASES.c.until < now(connection),
                )
                .select_from(TRIALS.outerjoin(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id))
                .where(TRIALS.c.study_id == self._study_id)
                .order_by(TRIALS.c.number)
            )
            found = connection.execute(query).all()
        slots = []
        for number, trial_id, name, claim, session, host, late in found:
            state = TrialState[name]
            own = session == self._leases.session  # late after a sleep, but it lives
            stale = state is TrialState.RUNNING and (claim is None or (late and not own))
            slots.append(Slot(number, trial_id, state, claim, session, host, stale))
        return slots

    def check(self) -> None:
        """Raise a StudyConflictError when the study was deleted, its number perhaps reused."""
        with self._storage.engine.begin() as connection:
            self._check(connection)

    def _check(self, connection: Connection) -> None:
        query = (
            select(STUDIES.c.study_name, ATTRIBUTES.c.value_json)
            .join(ATTRIBUTES, ATTRIBUTES.c.study_id == STUDIES.c.study_id)
            .where(STUDIES.c.study_id == self._study_id, ATTRIBUTES.c.key == ABOUT)
        )
        found = connection.execute(query).first()
        known = (self._store.study.study_name, self._store.created)
        if found is None or (found[0], json.loads(found[1]).get("created")) != known:
            raise self._deleted()

    def _deleted(self) -> StudyConflictError:
        return StudyConflictError(f"study {self._store.study.study_name!r} was deleted meanwhile")

    def _put_back(self, whose: ColumnElement[bool]) -> None:
        """Put the study's trials under certain leases back to waiting."""
        with self._storage.engine.begin() as connection:
            ids = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == self._study_id)
            query = select(LEASES.c.claim).where(whose, LEASES.c.trial_id.in_(ids))
            claims = set(connection.execute(query).scalars())
        for slot in self._slots():
            if slot.claim in claims:
                self._release(slot.trial_id, slot.claim)

    def _release(self, trial_id: int, claim: str | None) -> bool:
        """Put a running trial back to waiting, unless it changed hands or ended meanwhile."""
        with self._alone(trial_id) as (connection, storage, state):
            if state is not TrialState.RUNNING or claim_of(connection, trial_id) != claim:
                return False
            give_up(connection, trial_id)
            storage.set_trial_state_values(trial_id, TrialState.WAITING)
        return True

    @contextmanager
    def _alone(self, trial_id: int) -> Iterator[tuple[Connection, RDBStorage, TrialState]]:
        """Give a transaction that holds the trial's row, and the state that it has."""
        with transaction(self._storage) as (connection, storage):
            query = select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)
            name = connection.execute(query.with_for_update()).scalar()
            if name is None:
                raise self._deleted()
            yield connection, storage, TrialState[name]
