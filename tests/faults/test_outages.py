"""Every row of docs/outages.md: what fails, what is said, and that nothing is lost."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from faults.campaign import STUDY, Campaign, migrated
from faults.gate import Gate, Trouble
from helpers import children_of, invoke
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import mlflow_service

from cfexp.errors import StorageError
from cfexp.launch import run_study
from cfexp.search.observer import Observer
from cfexp.search.record import RunRecord
from cfexp.search.spec import StudySpec
from cfexp.search.storage import ABOUT, open_storage
from cfexp.search.study_file import parse
from cfexp.studies import audit, open_study
from cfexp.tracking.client import be_impatient
from cfexp.tracking.mlflow import MlflowTracker

NAME = "outage"
TEXT = STUDY.replace("NAME", NAME)
SOON = 20  # seconds: what an outage may cost at the end of a study, on a busy machine
AT_ONCE = 1.0  # seconds that a study waits for a call while it runs


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="module")
def spec() -> StudySpec:
    return parse(tomllib.loads(TEXT)).read_from(TEXT, Path.cwd())


@pytest.fixture(scope="module")
def finished(spec: StudySpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a study that MLflow knows nothing of."""
    home = tmp_path_factory.mktemp("finished")
    run_study(spec, home=home, track=False)
    return home


COPIES = itertools.count(1)


@pytest.fixture
def home(finished: Path, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, whose study is another one to MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "home"
    shutil.copytree(finished, home)
    shutil.copy(empty, home / "mlflow.db")
    study = optuna.load_study(study_name=NAME, storage=open_storage(home))
    about = study.user_attrs[ABOUT]
    study.set_user_attr(ABOUT, about | {"created": about["created"] + next(COPIES)})
    return home


@pytest.fixture(scope="module")
def gate(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty, folder / "mlflow.db")
    service, base = mlflow_service(folder, f"sqlite:///{folder}/mlflow.db")
    with service.running(), Gate(base) as gate, gate.open():
        yield gate


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls to a server take as long as a study's projector lets them."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    be_impatient()


def tell(home: Path, uri: str | None, said: list[str]) -> float:
    """Tell a tracker of the study as a run does; return how long that took."""
    study = open_study(home, NAME).record()
    tracker = MlflowTracker(uri, home, said.append)
    tracker.prepare()
    began = time.monotonic()
    tracker.start(dataclasses.replace(study, runs=(), readings=(), verdict=()))
    for run in study.runs:
        tracker.finished(run)
    tracker.computed(study)
    assert time.monotonic() - began < AT_ONCE
    tracker.complete(study)
    return time.monotonic() - began


def sync(home: Path, uri: str | None = None) -> None:
    """Do what `cfexp sync` does, but for writing the report anew."""
    assert (
        MlflowTracker(uri, home, pytest.fail).complete(open_study(home, NAME).record()) is not None
    )


def agrees(home: Path, uri: str | None = None) -> None:
    assert [str(check) for check in audit(home, NAME, tracking_uri=uri).problems] == []


@pytest.mark.parametrize(
    ("kind", "after", "words"),
    [
        ("down", 0, "cannot be written"),
        ("hangs", 0, "timed out"),
        ("401", 0, "asks for a login"),
        ("403", 0, "403"),
        ("down", 9, "cannot be written"),
        ("hangs", 12, "timed out"),
        ("500", 15, "500"),
    ],
)
def test_a_server_in_trouble_is_said_once_and_completed_later(
    kind: Trouble, after: int, words: str, home: Path, gate: Gate
) -> None:
    said: list[str] = []
    gate.trouble(kind, after)
    assert tell(home, gate.address, said) < SOON
    assert len(said) == 1, said
    assert words in said[0]
    assert f"cfexp sync {NAME}" in said[0]
    gate.settle()
    assert audit(home, NAME, tracking_uri=gate.address).problems
    sync(home, gate.address)
    agrees(home, gate.address)


def test_a_slow_server_misses_nothing(home: Path, gate: Gate) -> None:
    said: list[str] = []
    gate.trouble("slow")
    tell(home, gate.address, said)
    gate.settle()
    assert said == []
    agrees(home, gate.address)


def test_a_server_that_comes_back_is_completed_by_the_same_command(home: Path, gate: Gate) -> None:
    said: list[str] = []
    study = open_study(home, NAME).record()
    tracker = MlflowTracker(gate.address, home, said.append)
    gate.trouble("down", 5)
    tracker.start(study)
    end = time.monotonic() + SOON
    while not said and time.monotonic() < end:
        time.sleep(0.05)
    gate.settle()
    tracker.complete(study)
    assert len(said) == 2
    assert "misses nothing" in said[1]
    agrees(home, gate.address)


def test_an_answer_that_was_lost_doubles_nothing(
    home: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MlflowClient.create_run

    def twice(self: MlflowClient, *arguments: object, **named: object) -> Run:
        made(self, *arguments, **named)  # type: ignore[arg-type]
        return made(self, *arguments, **named)  # type: ignore[arg-type]

    said: list[str] = []
    monkeypatch.setattr(MlflowClient, "create_run", twice)
    tell(home, gate.address, said)
    assert said == []
    agrees(home, gate.address)


def test_a_locked_mlflow_database(home: Path) -> None:
    said: list[str] = []
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert tell(home, None, said) < SOON
    assert len(said) == 1
    assert "database is locked" in said[0]
    sync(home)
    agrees(home)


def test_a_locked_optuna_database_ends_the_study_with_a_reason(
    spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.search.storage._PATIENCE", 0.2)
    holders = []

    class Locks(Observer):
        def finished(self, run: RunRecord) -> None:
            if run.key == "trial/1" and not holders:
                holders.append(sqlite3.connect(tmp_path / "optuna.db", isolation_level=None))
                holders[0].execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError, match=r"database is locked.*run the same command again"):
        run_study(spec, home=tmp_path, track=False, observer=Locks())
    holders[0].close()
    study = run_study(spec, home=tmp_path, track=False)
    assert len(study.of_role("trial")) == study.budget
    assert audit(tmp_path, NAME, track=False).problems == []


def test_artifacts_on_a_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", full)
        patch.setattr(MlflowClient, "log_model_artifacts", full)
        tell(home, None, said)
    assert len(said) == 1
    assert "No space left" in said[0]
    assert {check.name for check in audit(home, NAME).problems} >= {"the model", "report.html"}
    sync(home)
    agrees(home)


def of_study(home: Path) -> tuple[MlflowClient, str, str]:
    """Return a client, the experiment and the study's run in it."""
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    role = "tags.`cfexp.role` = 'study'"
    (parent,) = client.search_runs([experiment.experiment_id], role)
    return client, str(experiment.experiment_id), parent.info.run_id


def delete_model(client: MlflowClient, experiment: str, _: str) -> None:
    (model,) = client.search_logged_models([experiment])
    client.delete_logged_model(model.model_id)


def leave_a_model_unfinished(client: MlflowClient, experiment: str, run: str) -> None:
    client.create_logged_model(experiment, name="model", source_run_id=run)


def delete_trial(client: MlflowClient, experiment: str, _: str) -> None:
    found = client.search_runs([experiment], "tags.`cfexp.key` = 'trial/2'")
    client.delete_run(found[0].info.run_id)


def delete_a_file(client: MlflowClient, _: str, run: str) -> None:
    Path(client.download_artifacts(run, "report.html")).unlink()


IN_THE_UI: dict[str, Callable[[MlflowClient, str, str], object]] = {
    "the experiment deleted": lambda client, experiment, _: client.delete_experiment(experiment),
    "the experiment renamed": lambda client, experiment, _: client.rename_experiment(
        experiment, "mine"
    ),
    "the study's run deleted": lambda client, _, run: client.delete_run(run),
    "a trial's run deleted": delete_trial,
    "the model deleted": delete_model,
    "a model left unfinished": leave_a_model_unfinished,
    "a file deleted": delete_a_file,
}


@pytest.mark.parametrize("what", IN_THE_UI)
def test_what_somebody_did_in_the_ui_is_mended(what: str, home: Path) -> None:
    sync(home)
    client, experiment, parent = of_study(home)
    before = {run.info.run_id for run in client.search_runs([experiment], max_results=1000)}
    IN_THE_UI[what](client, experiment, parent)
    if what != "the experiment renamed":
        assert audit(home, NAME).problems
    sync(home)
    agrees(home)
    after = {run.info.run_id for run in client.search_runs([experiment], max_results=1000)}
    assert parent in after
    assert len(after) == len(before)
    assert len(after - before) == (what == "a trial's run deleted")


@pytest.mark.parametrize("name", ["vectors/baseline-*-test.npz", "scorers/*.npz"])
def test_a_file_cut_short_is_written_again(name: str, home: Path, spec: StudySpec) -> None:
    path = next(iter(sorted((home / "studies" / NAME).glob(name))))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (problem, *_) = audit(home, NAME, track=False).problems
    assert problem.name == path.relative_to(home / "studies" / NAME).as_posix()
    if "vectors" in name:
        done = invoke("export", NAME, "--home", home, "-o", home / "tables")
        assert isinstance(done.exception, StorageError)
        assert "`cfexp run` on the study's file writes it again" in str(done.exception)
    run_study(spec, home=home, track=False)
    assert audit(home, NAME, track=False).problems == []
    if "vectors" in name:
        with np.load(path) as arrays:
            assert len(arrays.files) > 3


FULL = """
mount -t tmpfs -o size={size}k tmpfs home
cp {empty} home/mlflow.db
"$0" -m cfexp.cli.main run study.toml --home home; echo "first $?"
mount -o remount,size=100m home
"$0" -m cfexp.cli.main run study.toml --home home; echo "second $?"
"$0" -m cfexp.cli.main audit {name} --home home; echo "audit $?"
"""


@pytest.mark.slow
@pytest.mark.parametrize("room", [500, 1200])
def test_a_full_disk(room: int, tmp_path: Path, empty: Path) -> None:
    able = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"], check=False)
    if able.returncode:
        pytest.skip("needs to mount a small disk")
    (tmp_path / "study.toml").write_text(TEXT)
    (tmp_path / "home").mkdir()
    size = empty.stat().st_size // 1024 + room
    script = FULL.format(size=size, empty=empty, name=NAME)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    assert "first 1" in printed, printed
    assert "full" in printed or "No space left" in printed, printed
    assert "second 0" in printed, printed
    assert "audit 0" in printed, printed


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(TEXT)
    (tmp_path / "home").write_text("a file")
    done = invoke("run", tmp_path / "study.toml", "--home", tmp_path / "home" / "inner")
    assert done.exit_code != 0
    assert "cannot be written" in str(done.exception)


class KillProjector(Observer):
    def finished(self, run: RunRecord) -> None:
        if run.key == "trial/2":
            for child in children_of("cfexp.tracking.projector"):
                os.kill(child, signal.SIGKILL)
                time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_projector_has_a_successor(spec: StudySpec, tmp_path: Path, empty: Path) -> None:
    said: list[str] = []

    class Hears(KillProjector):
        def note(self, text: str) -> None:
            said.append(text)

    shutil.copy(empty, tmp_path / "mlflow.db")
    study = run_study(spec, home=tmp_path, observer=Hears())
    assert len(study.of_role("trial")) == study.budget
    (told,) = [text for text in said if "MLflow" in text]
    assert "SIGKILL" in told
    agrees(tmp_path)


@pytest.mark.slow
def test_several_processes_start_on_an_empty_home_at_once(tmp_path: Path) -> None:
    names = [f"at-once-{number}" for number in range(3)]
    for name in names:
        text = STUDY.replace("NAME", name).replace("trials = 6", "trials = 1")
        (tmp_path / f"{name}.toml").write_text(text)
    command = [sys.executable, "-m", "cfexp.cli.main", "run", "--home", "home"]
    processes = [
        subprocess.Popen(
            [*command, f"{name}.toml"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in [*names, names[0]]
    ]
    printed = [process.communicate(timeout=200)[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert codes[1:3] == [0, 0], printed
    assert sorted([codes[0], codes[3]]) in ([0, 2], [0, 0]), printed
    assert not any("Traceback" in one for one in printed)
    for name in names:
        assert audit(tmp_path / "home", name).problems == []


@pytest.mark.slow
def test_random_kills_lose_and_double_nothing(tmp_path: Path, empty: Path) -> None:
    """About a minute of the campaign that `python -m tests.faults` runs for longer."""
    figures = Campaign(tmp_path, 5, empty).run(10, on_server=lambda _: False)
    assert figures.killed >= 10
    assert not any(figures.wrong.values()), str(figures)
