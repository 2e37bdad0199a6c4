"""A study killed again and again is, bit for bit, the study that was left alone."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, outcomes

from cfexp.launch import run_study
from cfexp.search.spec.study_file import load_study
from cfexp.signals import terminable
from cfexp.studies import open_study

TRIALS, CUTS = 30, 5
STUDY = SMALL.replace("trials = 8", f"trials = {TRIALS}")


def run_and_kill(file: Path, home: Path, trials: int) -> None:
    """Run the study, and kill the command when so many trials have ended in this session."""
    command = [sys.executable, "-m", "cfexp.cli.main", "run", str(file), "--no-track"]
    with subprocess.Popen(
        [*command, "--home", str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while trials > 0 and (line := process.stdout.readline()):
            trials -= "s trial als" in line
        process.kill()
        _, errors = process.communicate(timeout=250)
    assert process.returncode == -9, errors


@pytest.mark.slow
def test_killed_at_random_trials_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(STUDY)
    seed = secrets.randbits(32)
    cuts = sorted(np.random.default_rng(seed).choice(np.arange(1, TRIALS), CUTS, replace=False))
    before = 0
    for cut in cuts:
        run_and_kill(file, tmp_path / "cut", cut - before)
        stored = open_study(tmp_path / "cut", "small").record().of_role("trial")
        assert cut <= len(stored) <= TRIALS
        before = len(stored)
    resumed, whole = (
        run_study(load_study(file), home=tmp_path / home, track=False) for home in ("cut", "whole")
    )
    assert len(whole.of_role("trial")) == TRIALS
    assert outcomes(resumed) == outcomes(whole), f"cut at {cuts} (seed {seed})"
    assert resumed.readings == whole.readings
    assert (resumed.budget, resumed.fingerprint) == (whole.budget, whole.fingerprint)


def test_ctrl_c_that_python_ignores_comes_again() -> None:
    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def waiting() -> None:
        Dropped()
        time.sleep(5)

    begin = time.monotonic()
    with terminable(), pytest.raises(KeyboardInterrupt):
        waiting()
    assert time.monotonic() - begin < 5
