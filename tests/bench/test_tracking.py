"""What tracking costs: on tiny data, and from made-up clocks."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from helpers import spec_of
from typer.testing import CliRunner

from cfexp.bench import tracking as module
from cfexp.bench.show import tracking_table
from cfexp.bench.study import study_text
from cfexp.bench.tracking import TrackingRow, cost, results, tracking
from cfexp.cli.main import app
from cfexp.errors import BenchmarkError, InputError
from cfexp.launch import run_study

FIXED, PER_TRIAL = 2.0, 0.01


def clock(trials: int, *, track: bool, late: float = 0.0) -> dict[str, float]:
    """What is measured of a study of one second a trial."""
    extra = FIXED + PER_TRIAL * trials if track else 0.0
    return {
        "seconds": trials + extra + late,
        "cpu": 2 * (trials + extra),
        "report": 1.0,
        "waiting": 0.5,
        "optuna_per_trial": 0.02,
        "optuna_delay_per_trial": 0.005,
    } | ({"model": 0.3} if track else {})


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Studies that take no time: their lengths and modes, in the order of their turns."""
    asked: list[tuple[int, bool]] = []

    def sample(_: Path, text: str, __: int, *, track: bool) -> dict[str, float]:
        trials = int(tomllib.loads(text)["search"]["trials"])
        asked.append((trials, track))
        return clock(trials, track=track, late=float(len(asked)))

    monkeypatch.setattr(module, "measure", lambda *_: {})
    monkeypatch.setattr(module, "_sample", sample)
    monkeypatch.setattr(module, "_found", lambda _: [])
    return asked


def measured(trials: list[int], repeats: int) -> list[TrackingRow]:
    return tracking(trials, nnz=None, threads=1, repeats=repeats, seed=0, say=lambda _: None)


def test_modes_take_turns_and_so_do_their_places(clocked: list[tuple[int, bool]]) -> None:
    (row,) = measured([10], 4)
    assert clocked == [
        (10, track) for track in (False, True, True, False, False, True, True, False)
    ]
    # Each run was a second later than the one before: whoever came second paid for it.
    assert row.extra == pytest.approx(FIXED + 10 * PER_TRIAL)
    assert row.cpu_extra == pytest.approx(2 * row.extra)
    assert row.share == pytest.approx(row.extra / row.seconds)


def test_the_line_separates_what_a_study_costs_from_what_a_trial_costs() -> None:
    samples = [{"on": clock(n, track=True), "off": clock(n, track=False)} for n in (30, 100)]
    rows = [module._row(n, [pair]) for n, pair in zip((30, 100), samples, strict=True)]
    line = cost(rows)
    assert line is not None
    assert dataclasses.astuple(line) == pytest.approx((FIXED, PER_TRIAL))
    assert "2.00 s a study, 10.0 ms a trial" in str(tracking_table(rows).caption)
    assert cost(rows[:1]) is None
    assert "a study" not in str(tracking_table(rows[:1]).caption)


def test_tracking_that_changes_what_is_found_is_an_error(
    clocked: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_found", lambda _: [{"key": str(clocked[-1])}])
    with pytest.raises(BenchmarkError, match=r"10 trials: .* differs"):
        measured([10], 1)


def test_results_are_all_of_a_study_but_its_clock(tmp_path: Path) -> None:
    text = study_text(nnz=5_000, trials=2, seed=0)
    spec = spec_of(text, tmp_path)
    study = run_study(spec, home=tmp_path, track=False)
    later = [dataclasses.replace(run, ended=run.ended + 9, seconds={}) for run in study.runs]
    assert results(dataclasses.replace(study, runs=tuple(later))) == results(study)
    later[0] = dataclasses.replace(later[0], metrics=dict.fromkeys(later[0].metrics, 0.0))
    assert results(dataclasses.replace(study, runs=tuple(later))) != results(study)


@pytest.mark.slow
def test_bench_tracking(tmp_path: Path) -> None:
    file, chart = tmp_path / "tracking.json", tmp_path / "tracking.html"
    arguments = ["--nnz", "5000", "--trials", "1,3", "--repeats", "1", "--threads", "1"]
    done = CliRunner().invoke(
        app, ["bench", "tracking", *arguments, "--json", str(file), "--chart", str(chart)]
    )
    assert done.exit_code == 0, done.output
    assert "with it and without" in done.output
    found: dict[str, Any] = json.loads(file.read_text())
    assert [row["trials"] for row in found["rows"]] == [1, 3]
    for row in found["rows"]:
        (pair,) = row["samples"]
        assert row["extra"] == pytest.approx(pair["on"]["seconds"] - pair["off"]["seconds"])
        assert row["cpu_extra"] > 0.5  # MLflow's import alone
        assert 0 < row["optuna_delay_per_trial"] < row["optuna_per_trial"]
        assert 0 < row["report"] < row["seconds_without"]
        assert row["model"] > 0
        assert row["waiting"] > 0
    assert set(found["cost"]) == {"fixed", "per_trial"}
    assert chart.stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--trials", "x"], "--trials takes whole numbers"), (["--nnz", "5000,6000"], "one --nnz")],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["bench", "tracking", *arguments])
    assert isinstance(done.exception, InputError)
    assert words in str(done.exception)
