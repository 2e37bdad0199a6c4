from __future__ import annotations

import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from cfexp.search.store.record import Reading
from cfexp.tracking.artifacts import log_dataset
from cfexp.tracking.client import open_client
from cfexp.tracking.experiment import open_experiment
from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from cfexp.search.store.record import RunRecord, StudyRecord


def fail(message: str) -> None:
    raise AssertionError(message)


def client_of(home: Path) -> MlflowClient:
    return open_client(f"sqlite:///{home}/mlflow.db", home)


def runs_of(home: Path, name: str = "made up") -> list[Run]:
    client = client_of(home)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def by_key(home: Path) -> dict[str, Run]:
    runs = runs_of(home)
    found = {run.data.tags.get("cfexp.key", "study"): run for run in runs}
    assert len(found) == len(runs), "a run is doubled"
    return found


def everything(home: Path) -> list[tuple[Any, ...]]:
    """Return all rows of the tables that a projection writes."""
    tables = ("runs", "metrics", "latest_metrics", "params", "tags", "inputs", "datasets")
    with sqlite3.connect(home / "mlflow.db") as database:
        rows = [(t, *row) for t in tables for row in database.execute(f"select * from {t}")]  # noqa: S608
    database.close()
    return sorted(rows, key=repr)


def test_a_study_step_by_step(home: Path, study: StudyRecord) -> None:
    tracker = MlflowTracker(None, home, say=fail)
    tracker.start(dataclasses.replace(study, runs=(), readings=()))
    for run in study.runs:
        tracker.finished(run)
    assert tracker.complete(study) == {}
    runs = by_key(home)
    assert set(runs) == {"study", *(run.key for run in study.runs)}
    states = {key: run.info.status for key, run in runs.items()}
    assert states["study"] == "FINISHED"
    assert states["trial/0"] == "FINISHED"
    assert states["trial/2"] == "KILLED"
    assert states["trial/3"] == "FAILED"
    assert runs["trial/3"].data.tags["cfexp.reason"] == "out of memory"
    assert runs["trial/1"].info.run_name == "als #1"
    assert runs["trial/1"].data.tags["mlflow.parentRunId"] == runs["study"].info.run_id
    assert runs["trial/1"].data.metrics["val/ndcg_at_10"] == study.runs[2].metrics["val/ndcg@10"]
    assert runs["trial/1"].info.start_time == study.runs[2].started
    assert runs["trial/1"].info.end_time == study.runs[2].ended


def test_curves_have_epochs_as_steps(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    run_id = by_key(home)["trial/0"].info.run_id
    history = client_of(home).get_metric_history(run_id, "val/ndcg_at_10")
    assert sorted({point.step for point in history}) == [1, 2, 3, 4, 5]


def test_the_studys_own_run(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    run = by_key(home)["study"]
    assert run.data.tags["cfexp.role"] == "study"
    assert "als #1 reaches" in run.data.tags["mlflow.note.content"]
    assert run.data.metrics["trials/pruned"] == 2
    assert run.inputs.dataset_inputs[0].dataset.name == "rows.csv"
    files = {file.path for file in client_of(home).list_artifacts(run.info.run_id)}
    assert files == {"study.toml", "leaderboard.csv", "provenance.json", "tables"}
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(home)


def test_the_report_s_csv_files_are_tables_in_the_ui(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    run = by_key(home)["study"]
    (table,) = json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert table == {"path": "tables/leaderboard.json", "type": "table"}
    file = Path(client_of(home).download_artifacts(run.info.run_id, table["path"]))
    csv = pd.read_csv(Path(study.folder) / "report" / "leaderboard.csv")
    content = json.loads(file.read_text())
    pd.testing.assert_frame_equal(pd.DataFrame(content["data"], columns=content["columns"]), csv)


def test_projecting_twice_changes_nothing(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    before = everything(home)
    MlflowTracker(None, home, say=fail).complete(study)
    assert everything(home) == before


def test_a_rewritten_report_is_uploaded_and_nothing_else_changes(
    home: Path, study: StudyRecord
) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    before = everything(home)
    (Path(study.folder) / "report" / "leaderboard.csv").write_text("new\n")
    MlflowTracker(None, home, say=fail).complete(study)
    changed = set(before) ^ set(everything(home))
    assert {row[:2] for row in changed} == {("tags", "cfexp.digest")}
    uploaded = list((home / "artifacts").rglob("leaderboard.csv"))
    assert [path.read_text() for path in uploaded] == ["new\n"]


def test_a_report_s_file_that_is_gone_is_deleted_from_mlflow(
    home: Path, study: StudyRecord
) -> None:
    report = Path(study.folder) / "report"
    (report / "buckets.csv").write_text("group,users\nold,3\n")
    MlflowTracker(None, home, say=fail).complete(study)
    run_id, client = by_key(home)["study"].info.run_id, client_of(home)
    client.log_text(run_id, "a note", "mine.txt")
    (report / "buckets.csv").unlink()
    MlflowTracker(None, home, say=fail).complete(study)
    files = {file.path for file in client.list_artifacts(run_id)}
    assert files == {"study.toml", "leaderboard.csv", "provenance.json", "tables", "mine.txt"}
    tables = [file.path for file in client.list_artifacts(run_id, "tables")]
    assert tables == ["tables/leaderboard.json"]


def test_more_trials_go_into_the_same_runs(
    home: Path, study: StudyRecord, make_study: Callable[..., StudyRecord]
) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    first = by_key(home)["study"].info.run_id
    more = make_study(Path(study.folder), 12)
    tracker = MlflowTracker(None, home, say=fail)
    tracker.start(study)
    tracker._thread.submit(lambda: None).result()
    assert by_key(home)["study"].info.status == "RUNNING"
    tracker.complete(more)
    runs = by_key(home)
    assert runs["study"].info.run_id == first
    assert runs["study"].info.status == "FINISHED"
    assert runs["study"].data.tags["cfexp.budget"] == "12"
    assert len(runs) == 1 + len(more.runs)


def test_an_interrupted_study_leaves_nothing_running(home: Path, study: StudyRecord) -> None:
    tracker = MlflowTracker(None, home, say=fail)
    started = dataclasses.replace(study, runs=(), readings=(), verdict=())
    tracker.start(started)
    for run in study.runs[:4]:
        tracker.finished(run)
    tracker.interrupted(started)
    parent = by_key(home)["study"]
    assert parent.data.tags["mlflow.note.content"].startswith("Unfinished: 3 of 8 trials")
    assert parent.data.metrics["val/ndcg_at_10"] == study.of_role("trial")[1].metrics["val/ndcg@10"]
    states = {key: run.info.status for key, run in by_key(home).items()}
    assert states["study"] == "KILLED"
    assert "RUNNING" not in states.values()
    assert len(states) == 5
    MlflowTracker(None, home, say=fail).complete(study)
    assert by_key(home)["study"].info.status == "FINISHED"


def test_a_run_repeated_after_its_failure_loses_the_reason(home: Path, study: StudyRecord) -> None:
    (once,) = study.of_role("baseline")
    failed = dataclasses.replace(once, state="failed", reason="no memory", metrics={})
    MlflowTracker(None, home, say=fail).complete(
        dataclasses.replace(study, runs=(failed, *study.runs[1:]))
    )
    assert by_key(home)[once.key].data.tags["mlflow.note.content"] == "failed: no memory"
    MlflowTracker(None, home, say=fail).complete(study)
    run = by_key(home)[once.key]
    assert run.info.status == "FINISHED"
    assert not {"cfexp.reason", "mlflow.note.content"} & run.data.tags.keys()


def test_another_winner_takes_the_mark(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    assert by_key(home)["trial/1"].data.tags["cfexp.winner"] == "true"
    other = dataclasses.replace(study, readings=(*study.readings, Reading(2, 8, (5, 1), 2, 5)))
    MlflowTracker(None, home, say=fail).complete(other)
    runs = by_key(home)
    assert runs["trial/1"].data.tags["cfexp.winner"] == "false"
    assert "a finalist" in runs["final/1/seed-0"].data.tags["mlflow.note.content"]


def test_an_unfinished_study_is_not_called_finished(
    home: Path, study: StudyRecord, make_study: Callable[..., StudyRecord]
) -> None:
    fewer = dataclasses.replace(study, budget=12, readings=())
    MlflowTracker(None, home, say=fail).complete(fewer)
    run = by_key(home)["study"]
    assert run.info.status == "KILLED"
    assert "Unfinished: 8 of 12 trials" in run.data.tags["mlflow.note.content"]
    before = everything(home)
    MlflowTracker(None, home, say=fail).complete(fewer)
    assert everything(home) == before
    MlflowTracker(None, home, say=fail).complete(make_study(Path(study.folder), 12))
    run = by_key(home)["study"]
    assert run.info.status == "FINISHED"
    assert "Unfinished" not in run.data.tags["mlflow.note.content"]


def test_a_finished_study_that_is_stopped_again_stays_finished(
    home: Path, study: StudyRecord
) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    before = by_key(home)["study"].data.tags
    tracker = MlflowTracker(None, home, say=fail)
    tracker.start(study)
    tracker.interrupted(study)
    assert by_key(home)["study"].info.status == "FINISHED"
    assert by_key(home)["study"].data.tags == before
    MlflowTracker(None, home, say=fail).complete(study)
    assert by_key(home)["study"].info.status == "FINISHED"


def test_a_finished_study_resumed_and_stopped_before_mlflow_was_open_is_unfinished(
    home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    more = dataclasses.replace(study, budget=12)
    tracker = MlflowTracker(None, home, say=fail)
    monkeypatch.setattr(MlflowTracker, "_start", lambda *_: None)  # as if it was cancelled
    tracker.start(more)
    tracker.interrupted(more)
    run = by_key(home)["study"]
    assert run.info.status == "KILLED"
    assert "Unfinished: 8 of 12 trials" in run.data.tags["mlflow.note.content"]


def test_a_run_cut_off_after_its_birth_is_completed(
    home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(Projection, "write", lambda *_: 1 / 0)
        assert MlflowTracker(None, home, say=said.append).complete(study) is None
    assert len(said) == 1
    assert "cfexp sync" in said[0]
    assert "RUNNING" in {run.info.status for run in runs_of(home)}
    assert MlflowTracker(None, home, say=fail).complete(study) == {}
    runs = by_key(home)
    assert len(runs) == 1 + len(study.runs)
    assert "RUNNING" not in {run.info.status for run in runs.values()}


def test_an_interrupted_study_whose_projection_failed_is_not_left_running(
    home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    tracker = MlflowTracker(None, home, say=said.append)
    first, second, *_ = study.runs
    tracker.start(dataclasses.replace(study, runs=(), readings=()))
    with monkeypatch.context() as patch:
        patch.setattr(Projection, "write", lambda *_: 1 / 0)
        tracker.finished(first)
        end = time.monotonic() + 60
        while not said and time.monotonic() < end:
            time.sleep(0.01)
    tracker.finished(second)
    tracker.interrupted(dataclasses.replace(study, runs=(), readings=()))
    assert len(said) == 1
    runs = by_key(home)
    assert set(runs) == {"study", first.key, second.key}
    assert "RUNNING" not in {run.info.status for run in runs.values()}


def test_a_study_whose_opening_failed_is_completed(
    home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    failures = iter([OSError("busy")])

    def busy_once(*arguments: Any) -> str:  # noqa: ANN401 - those of `open_experiment`
        for failure in failures:
            raise failure
        return open_experiment(*arguments)

    monkeypatch.setattr("cfexp.tracking.mlflow.open_experiment", busy_once)
    tracker = MlflowTracker(None, home, say=said.append)
    tracker.start(study)
    assert tracker.complete(study) == {}
    assert len(said) == 2
    assert "busy" in said[0]
    assert "misses nothing" in said[1]
    assert len(by_key(home)) == 1 + len(study.runs)


def test_a_run_made_twice_is_one_again(home: Path, study: StudyRecord) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    runs, client = by_key(home), client_of(home)
    for run in study.runs[:2]:  # as when the answer to its making was lost
        own = runs[run.key]
        tags = {"cfexp.key": run.key, "mlflow.parentRunId": runs["study"].info.run_id}
        client.create_run(own.info.experiment_id, tags=tags)
    MlflowTracker(None, home, say=fail).complete(study)
    assert {key: run.info.run_id for key, run in by_key(home).items()} == {
        key: run.info.run_id for key, run in runs.items()
    }


def test_of_two_unfinished_runs_the_one_that_stays_names_its_data(
    home: Path, study: StudyRecord
) -> None:
    MlflowTracker(None, home, say=fail).complete(dataclasses.replace(study, runs=()))
    parent, client = by_key(home)["study"].info, client_of(home)
    key = study.runs[0].key
    tags = {"cfexp.key": key, "mlflow.parentRunId": parent.run_id}
    newer, _ = (client.create_run(parent.experiment_id, time, tags) for time in (2, 1))
    log_dataset(client, newer.info.run_id, study)  # the newer is found first
    MlflowTracker(None, home, say=fail).complete(study)
    assert all(run.inputs.dataset_inputs for run in by_key(home).values())


KILLED = """
import json, sys
from pathlib import Path
from cfexp.search.store.record import RunRecord
from cfexp.tracking.mlflow import MlflowTracker
import pickle
study = pickle.loads(Path(sys.argv[1]).read_bytes())
MlflowTracker(None, Path(sys.argv[2]), print).complete(study)
"""


@pytest.mark.slow
def test_a_killed_process_loses_and_doubles_nothing(
    home: Path, make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    import pickle

    study = make_study(home / "studies" / "made up", 60)
    record = tmp_path / "study.pickle"
    record.write_bytes(pickle.dumps(study))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(record), str(home)])
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end and count_runs(home) < 10:
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert 10 <= count_runs(home) < len(study.runs)
    MlflowTracker(None, home, say=fail).complete(study)
    runs = by_key(home)
    assert len(runs) == 1 + len(study.runs)
    assert "RUNNING" not in {run.info.status for run in runs.values()}


def count_runs(home: Path) -> int:
    database = sqlite3.connect(home / "mlflow.db")
    count = database.execute("select count(*) from runs").fetchone()[0]
    database.close()
    return int(count)


def test_two_projectors_of_one_study_do_not_meet(home: Path, study: StudyRecord) -> None:
    first = MlflowTracker(None, home, say=fail)
    first.start(study)
    first._thread.submit(lambda: None).result()
    said: list[str] = []
    assert MlflowTracker(None, home, say=said.append).complete(study) is None
    assert "another process" in said[0]
    first.complete(study)


def test_a_dead_server_is_said_once_and_costs_seconds(home: Path, study: StudyRecord) -> None:
    said: list[str] = []
    tracker = MlflowTracker("http://ann:secret@127.0.0.1:9", home, say=said.append)
    begin = time.monotonic()
    tracker.start(study)
    for run in study.runs:
        tracker.finished(run)
    tracker.interrupted(study)
    assert time.monotonic() - begin < 30
    assert len(said) == 1
    assert f"--home {home} --tracking-uri 'http://***@127.0.0.1:9'` completes" in said[0]
    assert "secret" not in said[0]


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; from pathlib import Path; from cfexp.tracking.mlflow import MlflowTracker;"
        "MlflowTracker(None, Path('x'), print); assert 'mlflow' not in sys.modules; "
        "import cfexp.tracking.ui; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
def test_it_makes_way_until_it_is_waited_for(
    home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    written = threading.Event()
    write = Projection.run

    def noting(self: Projection, run: RunRecord) -> None:
        seen[run.key] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        write(self, run)
        written.set()

    monkeypatch.setattr(Projection, "run", noting)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    tracker = MlflowTracker(None, home, say=fail, niceness=3)
    tracker.start(dataclasses.replace(study, runs=(), readings=()))
    tracker.finished(study.runs[0])
    assert written.wait(60)
    assert seen == {study.runs[0].key: min(own + 3, 19)}
    tracker.complete(study)
    assert {seen[run.key] for run in study.runs} == {own}
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
