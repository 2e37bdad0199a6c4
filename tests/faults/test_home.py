"""Rows of docs/outages.md: databases locked, disks full, files cut short."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faults.outage import NAME, SOON, SPEC, TEXT, agrees, sync, tell
from helpers import invoke
from mlflow import MlflowClient

from cfexp.errors import DataError, StorageError
from cfexp.launch import run_study
from cfexp.search.observer import Observer
from cfexp.search.store.record import RunRecord
from cfexp.studies import audit


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.search.store.storage._PATIENCE", 0.2)
    holders = []

    class Locks(Observer):
        def finished(self, run: RunRecord) -> None:
            if run.key == "trial/1" and not holders:
                holders.append(sqlite3.connect(tmp_path / "optuna.db", isolation_level=None))
                holders[0].execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError, match=r"database is locked.*run the same command again"):
        run_study(SPEC, home=tmp_path, track=False, observer=Locks())
    holders[0].close()
    study = run_study(SPEC, home=tmp_path, track=False)
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


@pytest.mark.parametrize("name", ["vectors/baseline-*-test.npz", "scorers/*.npz"])
def test_a_file_cut_short_is_written_again(name: str, home: Path) -> None:
    path = next(iter(sorted((home / "studies" / NAME).glob(name))))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (problem, *_) = audit(home, NAME, track=False).problems
    assert problem.name == path.relative_to(home / "studies" / NAME).as_posix()
    if "vectors" in name:
        done = invoke("export", NAME, "--home", home, "-o", home / "tables")
        assert isinstance(done.exception, DataError)
        assert str(path) in str(done.exception)
        assert "`cfexp run` on the study's file writes it again" in str(done.exception)
    run_study(SPEC, home=home, track=False)
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
def test_a_full_disk(tmp_path: Path, empty: Path) -> None:
    able = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"], check=False)
    if able.returncode:
        pytest.skip("needs to mount a small disk")
    (tmp_path / "study.toml").write_text(TEXT)
    (tmp_path / "home").mkdir()
    size = empty.stat().st_size // 1024 + 500
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
