"""Rows of docs/outages.md: processes that are killed, or start all at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults.campaign import STUDY, Campaign
from faults.outage import SPEC, agrees
from helpers import children_of

from cfexp.launch import run_study
from cfexp.search.observer import Observer
from cfexp.search.store.record import RunRecord
from cfexp.studies import audit

KILLS = 4


class KillProjector(Observer):
    """Asks the worker and the projector to stop, as a batch system would; kills the latter."""

    def finished(self, run: RunRecord) -> None:
        if run.key == "trial/1":
            for child in (*children_of("cfexp.search.run.worker"), *children_of("cfexp.tracking")):
                os.kill(child, signal.SIGTERM)
        if run.key == "trial/2":
            for child in children_of("cfexp.tracking.projector"):
                os.kill(child, signal.SIGKILL)
                time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_projector_has_a_successor(tmp_path: Path, empty: Path) -> None:
    said: list[str] = []

    class Hears(KillProjector):
        def note(self, text: str) -> None:
            said.append(text)

    shutil.copy(empty, tmp_path / "mlflow.db")
    study = run_study(SPEC, home=tmp_path, observer=Hears())
    assert len(study.of_role("trial")) == study.budget
    assert "failed" not in {run.state for run in study.runs}
    (told,) = [text for text in said if "MLflow" in text]
    assert "SIGKILL" in told
    agrees(tmp_path)


@pytest.mark.slow
def test_several_processes_start_on_an_empty_home_at_once(tmp_path: Path) -> None:
    names = [f"at-once-{number}" for number in range(2)]
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
    assert codes[1] == 0, printed
    assert sorted([codes[0], codes[2]]) in ([0, 2], [0, 0]), printed
    assert not any("Traceback" in one for one in printed)
    for name in names:
        assert audit(tmp_path / "home", name).problems == []


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a busy machine
def test_random_kills_lose_and_double_nothing(tmp_path: Path, empty: Path) -> None:
    """A short run of the campaign that `python -m tests.faults` runs for longer."""
    figures = Campaign(tmp_path, 5, empty).run(KILLS, on_server=lambda _: False)
    assert figures.killed >= KILLS
    assert not any(figures.wrong.values()), str(figures)
