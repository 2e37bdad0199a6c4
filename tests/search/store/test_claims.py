"""Trials that several processes share: each is taken once, and none is written over."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from optuna.trial import TrialState
from servers import new_database

from cfexp.errors import InputError, StorageError, StudyConflictError
from cfexp.launch import join_study
from cfexp.search.observer import Observer
from cfexp.search.place import Place
from cfexp.search.run.trial_job import TrialJob
from cfexp.search.run.trials import Trials
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.claims import Claims
from cfexp.search.store.forget import forget, refuse_held
from cfexp.search.store.leases import LEASES, lease_seconds
from cfexp.search.store.mirror import Mirror
from cfexp.search.store.record import RunRecord
from cfexp.search.store.standing import state
from cfexp.search.store.storage import open_storage
from cfexp.search.store.store import Store
from cfexp.search.store.study_lock import study_lock
from cfexp.studies import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FACTS = {"fingerprint": "f", "rows": "r", "data": {}, "split": {}, "grouped_by": None}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place without studies, on each storage that is offered."""
    if request.param == "sqlite":
        return Place(tmp_path)
    return Place(tmp_path, new_database(request.getfixturevalue("databases")))


@pytest.fixture
def session(place: Place, small: StudySpec) -> Callable[..., Claims]:
    """Makes the claims of one more process; that of a dead one is never closed."""
    Store.create(small, place, FACTS).plan(small, 5)

    def open_session(*, coordinator: bool = False) -> Claims:
        return Claims(Store.load("small", place), coordinator=coordinator)

    return open_session


def record(number: int, words: str) -> RunRecord:
    return RunRecord(
        role="trial",
        key=f"trial/{number}",
        label=words,
        entry="als",
        model={"kind": "als"},
        mask="interacted",
        state="complete",
        metrics={"val/ndcg@10": 0.5},
        number=number,
    )


def run_out(place: Place) -> None:
    """Let all leases run out."""
    storage = open_storage(place)
    with storage.engine.begin() as connection:
        connection.execute(sqlalchemy.update(LEASES).values(until=0.0))


def leases(place: Place) -> int:
    storage = open_storage(place)
    with storage.engine.begin() as connection:
        return len(connection.execute(sqlalchemy.select(LEASES)).all())


def test_a_trial_of_a_process_that_slept_is_run_again_and_not_written_over(
    place: Place, session: Callable[..., Claims]
) -> None:
    sleeper, other = session(), session()
    first = sleeper.look()[0]
    asked = sleeper.take(first)
    assert asked is not None
    assert other.take(first) is None
    asked.params["als.alpha"], asked.distributions["als.alpha"] = 3.0, FloatDistribution(1.0, 4.0)
    sleeper.set_params(0, asked)
    assert other.look()[0].state is TrialState.RUNNING
    run_out(place)
    assert other.look()[0].state is TrialState.WAITING
    again = other.take(other.look()[0])
    assert again is not None
    assert again.number == 0
    assert again.params == {"als.alpha": 3.0}, "it keeps the values that it had"
    assert not sleeper.end(record(0, "of the sleeper"))
    assert other.look()[0].state is TrialState.RUNNING
    assert other.end(record(0, "of the other"))
    (run,) = Store.load("small", place).record().of_role("trial")
    assert run.label == "of the other"
    assert leases(place) == 0


def test_a_sleeper_cannot_write_parameters_or_an_end_before_another_has_taken_the_trial(
    place: Place, session: Callable[..., Claims]
) -> None:
    sleeper, other = session(), session()
    trial = sleeper.take(sleeper.look()[2])
    assert trial is not None
    run_out(place)
    assert other.look()[2].state is TrialState.WAITING
    trial.params["als.alpha"], trial.distributions["als.alpha"] = 3.0, FloatDistribution(1.0, 4.0)
    sleeper.set_params(2, trial)
    assert not sleeper.end(record(2, "of the sleeper"))
    stored = Store.load("small", place).study.get_trials()[2]
    assert (stored.state, stored.params) == (TrialState.WAITING, {})


def test_a_lease_is_renewed_while_its_holder_lives(
    session: Callable[..., Claims], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFEXP_LEASE_SECONDS", "1")
    dead, living, other = session(), session(), session()
    assert dead.take(dead.look()[0]) is not None
    with living:
        assert living.take(living.look()[1]) is not None
        time.sleep(1.5)
        states = [slot.state for slot in other.look()]
        assert states[:2] == [TrialState.WAITING, TrialState.RUNNING]
    assert other.look()[1].state is TrialState.WAITING, "put back when its holder stops"


def test_a_coordinator_puts_back_what_earlier_ones_left_and_nothing_of_workers(
    session: Callable[..., Claims],
) -> None:
    dead, worker = session(coordinator=True), session()
    assert dead.take(dead.look()[0]) is not None
    assert worker.take(worker.look()[1]) is not None
    with session(coordinator=True) as claims:
        states = [slot.state for slot in claims.look()]
    assert states[:2] == [TrialState.WAITING, TrialState.RUNNING]
    assert worker.end(record(1, "of the worker"))


def test_a_process_that_slept_does_not_put_back_its_own_trial(
    place: Place, session: Callable[..., Claims]
) -> None:
    sleeper = session()
    assert sleeper.take(sleeper.look()[0]) is not None
    run_out(place)
    assert sleeper.look()[0].state is TrialState.RUNNING
    assert sleeper.end(record(0, "of the sleeper"))


def test_a_trial_that_was_lost_and_is_taken_again_is_in_memory_once(
    session: Callable[..., Claims],
) -> None:
    claims = session()
    mirror = Mirror(claims._store.stored, NopPruner())
    asked = [claims.take(slot) for slot in claims.look()[:2]]
    for trial in asked:
        assert trial is not None
        mirror.study.tell(mirror.ask(trial), 0.5)
    assert asked[0] is not None
    again = mirror.ask(asked[0])
    assert again.number == 0
    states = [trial.state for trial in mirror.study.trials]
    assert states == [TrialState.RUNNING, TrialState.COMPLETE]


def test_a_trial_put_back_after_it_had_ended_here_is_run_again(
    small: StudySpec, session: Callable[..., Claims]
) -> None:
    claims = session()
    trials = Trials(small, claims._store, claims, Observer(), known=[], check=lambda: None)
    job = trials._jobs[0] = TrialJob(trials._objective, claims, Observer())
    slot = claims.look()[0]
    assert trials._is_own(slot), "it is being computed"
    job.over = True
    assert not trials._is_own(slot)


def test_a_study_that_workers_run_is_not_forgotten(
    place: Place, session: Callable[..., Claims]
) -> None:
    dead, worker = session(coordinator=True), session()
    assert dead.take(dead.look()[0]) is not None
    refuse_held(place, "small")  # of a coordinator its lock tells
    study = Store.load("small", place).record()
    assert state(study, place) == "interrupted"
    assert worker.take(worker.look()[1]) is not None
    assert state(study, place) == "workers only"
    with study_lock(place, "small"):
        assert state(study, place) == "running"
    for refused in (refuse_held, forget):
        with pytest.raises(StudyConflictError, match="is being run by workers on"):
            refused(place, "small")
    assert worker.end(record(1, "of the worker"))
    forget(place, "small")
    assert leases(place) == 0
    assert open_storage(place).get_all_studies() == []


def test_a_worker_of_a_deleted_study_touches_no_other(
    place: Place, small: StudySpec, session: Callable[..., Claims]
) -> None:
    worker, late = session(), session()
    free = late.look()[1]
    with worker:
        assert worker.take(worker.look()[0]) is not None
        run_out(place)
        forget(place, "small")
        with pytest.raises(StudyConflictError, match="study 'small' was deleted"):
            worker.look()
        Store.create(small, place, FACTS).plan(small, 5)  # SQLite gives it the same numbers
        for touch in (worker.look, worker.check, lambda: late.take(free)):
            with pytest.raises(StudyConflictError, match="study 'small' was deleted"):
                touch()
    trials = Store.load("small", place).study.get_trials()
    assert {trial.state for trial in trials} == {TrialState.WAITING}


def test_a_trial_that_others_ended_is_named_by_the_audit(tmp_path: Path, small: StudySpec) -> None:
    store = Store.create(small, tmp_path, FACTS)
    store.plan(small, 2)
    store.study.tell(store.study.ask(), state=TrialState.FAIL)
    found = {(one.name, one.problem) for one in audit(tmp_path, "small", track=False).problems}
    assert ("trial/0", "ended without a record") in found
    assert len(store.mirror().trials) == 2


def test_why_the_storage_failed_is_said_in_one_line(
    tmp_path: Path, small: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(small, tmp_path, FACTS).plan(small, 2)
    monkeypatch.setattr("cfexp.search.store.storage._PATIENCE", 0)
    other = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StorageError, match="database is locked") as failed:
            join_study("small", home=tmp_path)
    finally:
        other.close()
    assert "\n" not in str(failed.value)


def at_once(jobs: Iterable[Callable[[], object]]) -> None:
    """Do several things at the same moment; an error of one is raised here."""
    jobs = list(jobs)
    ready = threading.Barrier(len(jobs))

    def begin(job: Callable[[], object]) -> None:
        ready.wait()
        job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        for done in [threads.submit(begin, job) for job in jobs]:
            done.result()


def test_several_open_an_empty_storage_at_once(place: Place) -> None:
    at_once([partial(open_storage, place)] * 6)
    assert open_storage(place).get_all_studies() == []


def test_four_processes_share_all_slots_and_each_is_taken_once(
    place: Place, small: StudySpec
) -> None:
    Store.create(small, place, FACTS).plan(small, 40)
    taken: list[tuple[str, int]] = []

    def work(name: str) -> None:
        claims = Claims(Store.load("small", place), coordinator=False)
        while waiting := [slot for slot in claims.look() if slot.state is TrialState.WAITING]:
            trial = claims.take(waiting[0])
            if trial is not None:
                taken.append((name, trial.number))
                assert claims.end(record(trial.number, name))

    at_once([partial(work, name) for name in "abcd"])
    assert sorted(number for _, number in taken) == list(range(40))
    assert len({name for name, _ in taken}) > 1
    runs = Store.load("small", place).record().of_role("trial")
    assert sorted((run.label, run.number) for run in runs) == sorted(taken)
    assert leases(place) == 0


@pytest.mark.parametrize("wanted", ["soon", "0", "1e9", "nan"])
def test_a_lease_without_a_length_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFEXP_LEASE_SECONDS", wanted)
    with pytest.raises(InputError, match=f"from 1 to 86400 seconds, not '{wanted}'"):
        lease_seconds()
