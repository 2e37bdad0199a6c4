"""Rows of docs/outages.md: MLflow's server in every kind of trouble."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.gate import Gate, Trouble
from faults.outage import NAME, SOON, agrees, sync, tell
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import mlflow_service

from cfexp.studies import audit, open_study
from cfexp.tracking.client import be_impatient
from cfexp.tracking.mlflow import MlflowTracker


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


@pytest.mark.parametrize(
    ("kind", "after", "words"),
    [
        ("down", 0, "hangs up"),
        ("hangs", 0, "does not answer in time"),
        ("401", 0, "asks for a login"),
        ("403", 0, "403"),
        ("down", 9, "hangs up"),
        ("hangs", 12, "does not answer in time"),
        ("500", 15, "it answers 500"),
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


@pytest.mark.parametrize("how", ["live", "at the end"])
def test_an_answer_that_was_lost_doubles_nothing(
    how: str, home: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MlflowClient.create_run

    def twice(self: MlflowClient, *arguments: object, **named: object) -> Run:
        made(self, *arguments, **named)  # type: ignore[arg-type]
        return made(self, *arguments, **named)  # type: ignore[arg-type]

    said: list[str] = []
    monkeypatch.setattr(MlflowClient, "create_run", twice)
    if how == "live":
        tell(home, gate.address, said)
    else:  # as where a study ends before MLflow is imported
        sync(home, gate.address)
    assert said == []
    agrees(home, gate.address)
