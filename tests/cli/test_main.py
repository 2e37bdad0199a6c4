"""The command line, as a person calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import SMALL, call

import cfexp
from cfexp.cli import main
from cfexp.search.store.storage import open_storage


@pytest.fixture
def study(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


def test_version_and_help(tmp_path: Path) -> None:
    assert call("--version", cwd=tmp_path).stdout.strip() == f"cfexp {cfexp.__version__}"
    listing = call("--help", cwd=tmp_path).stdout
    assert all(name in listing for name in ("run", "ui", "status", "sync"))
    assert "--trials" in call("run", "--help", cwd=tmp_path).stdout


def test_run_then_more_trials_then_status(study: Path, tmp_path: Path) -> None:
    first = call("run", study, "--no-track", "--trials", "3", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "popularity" in first.stdout
    assert "cfexp ui" not in first.stdout, "nothing was tracked"
    second = call("run", study, "--no-track", "--json", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    board = json.loads(second.stdout)
    assert "popularity" in {row["model"] for row in board["rows"]}
    assert board["verdict"]
    assert "trials" in second.stderr
    shown = json.loads(call("status", "--json", cwd=tmp_path).stdout)
    assert [(row["study"], row["budget"], row["ended"], row["state"]) for row in shown] == [
        ("small", 8, 8, "finished")
    ]
    used = shown[0]["facts"]["solver_used"]
    assert used in {f"cg, {steps} steps (1 in epoch 1)" for steps in (2, 3)}
    table = call("status", cwd=tmp_path).stdout
    assert "small" in table
    assert f"solver {used.partition(' (')[0]}" in table  # the rest is on the next line


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, None])
def test_what_is_stopped_ends_cleanly_and_says_how_to_resume(
    how: signal.Signals | None, study: Path, tmp_path: Path
) -> None:
    """By a signal, or because its output is read no more (`cfexp run FILE | head`)."""
    study.write_text(SMALL.replace("trials = 8", "trials = 500"))
    with subprocess.Popen(
        [sys.executable, "-m", "cfexp.cli.main", "run", str(study), "--no-track"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "trial als" in line:
                break
        if how is None:
            process.stdout.close()
            assert process.stderr is not None
            out, err = "", process.stderr.read()
            process.wait(60)
        else:
            process.send_signal(how)
            out, err = process.communicate(timeout=60)
    assert process.returncode == (1 if how is None else 130)
    assert "Traceback" not in err + out
    assert f"cfexp run {study} --no-track" in (err if how is None else out)
    row = json.loads(call("status", "small", "--json", cwd=tmp_path).stdout)[0]
    assert 0 < row["ended"] < 500
    assert row["failed"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SMALL.replace("[split]", "[spilt]"), "did you mean 'split'"),
        (SMALL.replace("test = 3", "test = 3000"), "rows to be held out"),
        (SMALL.replace('kind = "synthetic"', 'kind = "csv"\npath = "none.csv"'), "mistakes"),
        ("name = ", "TOML"),
    ],
)
def test_bad_input_is_exit_code_2_and_writes_nothing(
    text: str, words: str, study: Path, tmp_path: Path
) -> None:
    study.write_text(text)
    done = call("run", study, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [study]


def test_a_storage_that_fails_is_an_error_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> None:
        with open_storage(tmp_path).engine.begin() as connection:
            connection.exec_driver_sql("SELECT * FROM missing")

    monkeypatch.setattr(main, "app", failing)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: Optuna's storage cannot be written: no such")


def test_what_nobody_may_write_is_named_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "ui.log"))

    monkeypatch.setattr(main, "app", failing)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'ui.log'}: Permission denied\n"


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    for arguments in (["run"], ["run", "none.toml"], ["run", tmp_path]):
        done = call(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
    assert call("status", "none", cwd=tmp_path).returncode == 2
