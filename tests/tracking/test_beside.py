"""A projection by a process of its own: the same runs, whoever dies."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers import children_of

from cfexp.errors import CfexpError
from cfexp.launch import run_study
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.record import StudyRecord
from cfexp.tracking.beside import Beside
from cfexp.tracking.mlflow import MlflowTracker

ROWS = {
    "runs": "name, status, start_time, end_time",
    "metrics": "key, value, timestamp, step",
    "params": "key, value",
    "tags": "key, value",
}
OWN = "mlflow.parentRunId"  # the only value that differs between two databases


def fail(message: str) -> None:
    raise AssertionError(message)


def rows(home: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        found = [
            (table, *row)
            for table, columns in ROWS.items()
            for row in database.execute(f"select {columns} from {table}")  # noqa: S608
        ]
    return sorted((row for row in found if OWN not in row), key=repr)


def statuses(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        return [status for (status,) in database.execute("select status from runs")]


@pytest.fixture
def beside(home: Path) -> Iterator[Beside]:
    with closing(Beside(home, None, fail)) as observer:
        yield observer


def test_a_study_is_projected_as_in_this_process(
    beside: Beside, home: Path, study: StudyRecord, migrated: Path, tmp_path: Path
) -> None:
    beside.started(dataclasses.replace(study, runs=(), readings=()))
    for run in study.runs:
        beside.finished(run)
    beside.computed(study)
    beside.completed(study)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mlflow.db").write_bytes(migrated.read_bytes())
    MlflowTracker(None, other, say=fail).complete(study)
    assert rows(home) == rows(other)
    assert {"FINISHED", "KILLED", "FAILED"} == set(statuses(home))


def test_a_new_database_is_whole(study: StudyRecord, tmp_path: Path) -> None:
    home = tmp_path / "new"
    with closing(Beside(home, f"sqlite:///{home}/mlflow.db", fail)) as beside:
        beside.started(study)
        beside.interrupted(study)
    assert len(statuses(home)) == 1 + len(study.runs)
    assert "RUNNING" not in statuses(home)
    assert not list(home.glob("*.new*"))
    alone = tmp_path / "copied"
    alone.mkdir()
    shutil.copy(home / "mlflow.db", alone)  # without the log that SQLite keeps beside it
    assert rows(alone) == rows(home)


DIES = """
import os, pickle, signal, sys
from pathlib import Path
from cfexp.tracking.beside import Beside
study = pickle.loads(Path(sys.argv[1]).read_bytes())
beside = Beside(Path(sys.argv[2]), None, print)
beside.started(study)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_study_that_is_killed_is_not_left_running(
    home: Path, study: StudyRecord, tmp_path: Path
) -> None:
    import pickle

    (tmp_path / "study").write_bytes(pickle.dumps(study))
    command = [sys.executable, "-c", DIES, str(tmp_path / "study"), str(home)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    end = time.monotonic() + 60
    while time.monotonic() < end and (not statuses(home) or "RUNNING" in statuses(home)):
        time.sleep(0.1)
    assert len(statuses(home)) == 1 + len(study.runs)
    assert "RUNNING" not in statuses(home)


def test_a_projector_that_dies_is_said_once_and_stops_nothing(
    home: Path, study: StudyRecord
) -> None:
    said: list[str] = []
    with closing(Beside(home, None, said.append)) as beside:
        beside.started(study)
        os.kill(projector(), signal.SIGKILL)
        for run in study.runs:
            beside.finished(run)
        beside.completed(study)
    assert len(said) == 1
    assert "SIGKILL" in said[0]
    assert f"`cfexp sync 'made up' --home {home}`" in said[0]
    assert len(statuses(home)) == 1 + len(study.runs)
    assert "RUNNING" not in statuses(home)


def test_no_password_is_on_a_command_line(home: Path) -> None:
    with closing(Beside(home, "postgresql://ann:secret@127.0.0.1:9/db", fail)):
        assert b"secret" not in Path(f"/proc/{projector()}/cmdline").read_bytes()


def test_a_refused_study_leaves_no_trace(tmp_path: Path) -> None:
    text = {
        "name": "no",
        "objectives": ["ndcg@10"],
        "data": {"kind": "csv", "path": "nowhere.csv", "columns": {"user": "u", "item": "i"}},
        "split": {"kind": "per_user_last"},
        "models": [{"model": {"kind": "als"}, "space": {}}],
    }
    with pytest.raises(CfexpError, match=r"nowhere\.csv"):
        run_study(StudySpec.model_validate(text), home=tmp_path / "home")
    assert not list(tmp_path.iterdir())


def projector() -> int:
    (only,) = children_of("cfexp.tracking.projector")
    return only
