"""One study worked on from several processes, on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from helpers import SMALL, invoke
from servers import new_database, run_sql

from cfexp.errors import StorageError, StudyConflictError
from cfexp.launch import join_study, run_study
from cfexp.search.observer import Observer
from cfexp.search.place import Place
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.spec import StudySpec
from cfexp.search.spec.study_file import load_study
from cfexp.search.store.claims import Claims
from cfexp.search.store.record import RunRecord, StudyRecord
from cfexp.search.store.storage import ABOUT, open_storage
from cfexp.search.store.store import Store
from cfexp.search.store.study_lock import is_running

MEASURED = {"started", "ended", "seconds", "peak_memory", "worker"}
TRIALS = 5


@pytest.fixture
def database(databases: str) -> str:
    return new_database(databases)


def outcomes(study: StudyRecord) -> list[dict[str, object]]:
    """All runs, without what they cost and who computed them."""
    return [
        {key: value for key, value in run.to_json().items() if key not in MEASURED}
        for run in study.runs
    ]


@pytest.fixture(scope="module")
def alone(small: StudySpec, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The study run by one worker on the home's own SQLite."""
    home = tmp_path_factory.mktemp("alone")
    return outcomes(run_study(small, home=home, track=False, trials=TRIALS))


def test_a_lone_worker_on_postgres_finds_what_it_finds_on_sqlite(
    small: StudySpec, alone: list[dict[str, object]], database: str, tmp_path: Path
) -> None:
    place = Place(tmp_path / "home", database)

    class Second(Observer):
        def started(self, study: StudyRecord) -> None:
            assert is_running(place, "small")
            with pytest.raises(StudyConflictError, match="another process"):
                run_study(small, home=tmp_path / "other", storage=database, track=False)

    study = run_study(
        small,
        home=place.home,
        storage=database,
        track=False,
        trials=TRIALS,
        observer=Second(),
    )
    assert outcomes(study) == alone
    assert not is_running(place, "small")
    assert not (place.home / "optuna.db").exists()


class Heard(Observer):
    """Remembers which trials it was told of, and lets others work when trials begin."""

    def __init__(self, others: object = None) -> None:
        self.trials: list[int] = []
        self.notes: list[str] = []
        self.others = others

    def phase(self, phase: str, total: int) -> None:
        if phase == "trials" and callable(self.others):
            self.others()

    def finished(self, run: RunRecord) -> None:
        if run.role == "trial":
            self.trials.append(run.trial)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_what_a_worker_ended_is_the_coordinators_too(
    storage: str,
    small: StudySpec,
    alone: list[dict[str, object]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    url = request.getfixturevalue("database") if storage == "postgres" else None
    elsewhere = home if url is None else tmp_path / "elsewhere"
    worker = Heard()

    def work() -> None:
        join_study("small", home=elsewhere, storage=url, observer=worker)

    heard = Heard(work)
    study = run_study(small, home=home, storage=url, track=False, trials=TRIALS, observer=heard)
    assert outcomes(study) == alone
    assert sorted(heard.trials) == sorted(worker.trials) == list(range(TRIALS))
    (name,) = {run.worker for run in study.of_role("trial")}
    assert name
    assert {run.worker for run in study.runs if run.role != "trial"} == {""}
    ours, theirs = study.environments
    assert (ours.worker, theirs.worker) == ("", name)
    assert all(study.environment_of(run) == theirs.facts for run in study.of_role("trial"))
    assert not list(elsewhere.glob("workers/**/stages"))


def test_a_coordinator_waits_for_others_and_runs_what_they_leave(
    small: StudySpec, database: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, database)
    held: list[Claims] = []

    def take_one() -> None:
        held.append(Claims(Store.load("small", place), coordinator=False).__enter__())
        assert held[0].take(held[0].look()[0]) is not None

    class Leaves(Heard):
        def note(self, text: str) -> None:
            super().note(text)
            if text.startswith("waiting: 1 trial runs in other processes"):
                held[0].__exit__()

    heard = Leaves(take_one)
    study = run_study(
        small, home=tmp_path, storage=database, track=False, trials=TRIALS, observer=heard
    )
    assert len([note for note in heard.notes if note.startswith("waiting")]) == 1
    assert sorted(heard.trials) == list(range(TRIALS))
    assert heard.trials[-1] == 0
    assert {run.state for run in study.of_role("trial")} <= {"complete", "pruned"}


def test_a_database_that_goes_away_ends_the_session_and_costs_no_trial(
    small: StudySpec, alone: list[dict[str, object]], database: str, tmp_path: Path
) -> None:
    server, _, name = database.rpartition("/")

    class Ends(Observer):
        def finished(self, run: RunRecord) -> None:
            if run.number == 2:
                connections = f"pg_stat_activity WHERE datname = '{name}'"
                run_sql(
                    f"{server}/postgres",
                    f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
                    f"SELECT pg_terminate_backend(pid) FROM {connections}",  # noqa: S608
                )

    with pytest.raises(StorageError, match="went away") as error:
        run_study(
            small, home=tmp_path, storage=database, track=False, trials=TRIALS, observer=Ends()
        )
    assert "of%20the%20database" not in str(error.value)
    assert "of the database" not in str(error.value)
    run_sql(f"{server}/postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    heard = Heard()
    study = run_study(
        small, home=tmp_path, storage=database, track=False, trials=TRIALS, observer=heard
    )
    assert outcomes(study) == alone
    assert heard.trials[0] in {3, 4}


def test_ctrl_c_while_the_database_is_asked_is_ctrl_c(database: str, tmp_path: Path) -> None:
    storage = open_storage(Place(tmp_path, database))
    soon = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    soon.start()
    with pytest.raises(KeyboardInterrupt), storage.engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    soon.join()
    assert storage.get_all_studies() == []


def test_a_worker_refuses_other_data_and_another_cfexp(
    small: StudySpec, database: str, tmp_path: Path
) -> None:
    file = tmp_path / "a" / "rows.csv"
    other = tmp_path / "b" / "rows.csv"
    rows = [f"{user},{item},1,{item}" for user in range(30) for item in range(user % 5, 20)]
    for path, cut in ((file, 0), (other, 1)):
        path.parent.mkdir()
        path.write_text("\n".join(["user,item,value,time", *rows[cut:]]))
    document = json.loads(small.model_dump_json())
    columns = {"user": "user", "item": "item", "value": "value", "time": "time"}
    document["data"] = {"kind": "csv", "path": "rows.csv", "columns": columns}
    spec = StudySpec.model_validate(document).read_from("", file.parent)
    store = Store.create(spec, Place(tmp_path, database), prepare(spec).facts(spec))
    store.plan(spec, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(other.parent)
        with pytest.raises(StudyConflictError, match="other data"):
            join_study("small", home=tmp_path / "home", storage=database)
        assert not (tmp_path / "home").exists()
        patch.chdir(file.parent)
        study = join_study("small", home=tmp_path / "home", storage=database)
        assert [run.number for run in study.of_role("trial")] == [0]
    about = store.study.user_attrs[ABOUT]
    store.study.set_user_attr(ABOUT, about | {"version": "0.0.9"})
    refused = invoke("worker", "small", "--storage", database).exception
    assert isinstance(refused, StudyConflictError)
    assert "is run by cfexp 0.0.9, and this is" in str(refused)
    refused = invoke("worker", "smal", "--storage", database).exception
    assert isinstance(refused, StudyConflictError)
    assert "did you mean 'small'?" in str(refused)


BUDGET = 24
LONGER = SMALL.replace("epochs = 4", "epochs = 30").replace("trials = 8", f"trials = {BUDGET}")


def start(*arguments: str | Path, cwd: Path, database: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    cwd.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "cfexp.cli.main", *map(str, arguments), "--workers", "2"],
        cwd=cwd,
        env=os.environ | {"CFEXP_STORAGE": database, "CFEXP_LEASE_SECONDS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_killed_process_groups_cost_no_trial_and_double_none(database: str, tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(LONGER)
    run = ("run", file, "--no-track")
    place = Place(tmp_path / "a" / "mlruns", database)
    spec = load_study(file)
    store = Store.create(spec, place, prepare(spec).facts(spec))
    store.plan(spec, BUDGET)
    coordinator = start(*run, cwd=tmp_path / "a", database=database)
    worker = start("worker", "small", cwd=tmp_path / "b", database=database)

    def kill(group: subprocess.Popen[str], *, where: str, more: dict[str, int]) -> None:
        """Kill a process group that holds trials, once so many more were ended by each kind."""
        late = time.monotonic() + 100
        while True:
            ended = Counter(run.worker and "worker" for run in store.record().of_role("trial"))
            held = run_sql(database, f"SELECT 1 FROM cfexp_leases WHERE {where}")  # noqa: S608
            if ended.total() == BUDGET or (
                held and all(ended[who] >= n for who, n in more.items())
            ):
                break
            assert time.monotonic() < late
            time.sleep(0.05)
        os.killpg(group.pid, signal.SIGKILL)
        group.communicate(timeout=20)

    kill(coordinator, where="coordinator", more={"": 1, "worker": 1})
    before = {run.key: run for run in store.record().of_role("trial")}
    assert len(before) < BUDGET
    by_worker = sum(run.worker != "" for run in before.values())
    kill(worker, where="NOT coordinator", more={"worker": by_worker + 2})
    again = start(*run, cwd=tmp_path / "a", database=database)
    printed, _ = again.communicate(timeout=120)
    assert again.returncode == 0, printed
    study = Store.load("small", place).record()
    trials = study.of_role("trial")
    assert [run.number for run in trials] == list(range(BUDGET))
    assert {run.state for run in trials} <= {"complete", "pruned"}
    assert [run.model["alpha"] for run in trials].count(1.0) == 1, "the default, enqueued once"
    assert run_sql(database, "SELECT count(*) FROM trials") == [(BUDGET,)]
    assert run_sql(database, "SELECT count(*) FROM cfexp_leases") == [(0,)]
    after = {run.key: run for run in study.runs}
    assert before.items() <= after.items(), "what had ended is as it was"
    assert len({run.worker for run in trials}) > 1
    assert study.readings
    assert run_sql(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
