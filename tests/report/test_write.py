from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import optuna
import pandas as pd
import pytest

from cfexp.report.write import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.search.store.record import StudyRecord

FILES = [
    "report.html",
    "verdict.md",
    "leaderboard.csv",
    "leaderboard.json",
    "comparisons.csv",
    "buckets.csv",
    "per_user.parquet",
    "study.toml",
]


def test_all_files(
    make_study: Callable[..., StudyRecord], trials: optuna.Study, tmp_path: Path
) -> None:
    study = make_study()
    written = write(study, trials, tmp_path / "report")
    assert [path.name for path in written] == FILES
    board = json.loads((tmp_path / "report" / "leaderboard.json").read_text())
    assert board["verdict"][1].startswith("Tuning helped")
    assert board["rows"][0]["rank"] == 1
    assert (tmp_path / "report" / "study.toml").read_text() == study.text
    assert write(study, trials, tmp_path / "report") == written


def test_per_user_values_carry_original_ids(
    make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    study = make_study()
    write(study, None, tmp_path)
    frame = pd.read_parquet(tmp_path / "per_user.parquet")
    assert set(frame["stage"]) == {"validation", "test"}
    assert len(frame) == 2 * 600 * len(study.runs)
    assert frame["user"].iloc[1] == "user2"
    own = frame[(frame["run"] == "final/17/seed-2") & (frame["stage"] == "test")]
    (run,) = [run for run in study.runs if run.key == "final/17/seed-2"]
    assert own["ndcg@10"].mean() == pytest.approx(run.metrics["test/ndcg@10"], abs=1e-12)


def test_a_bare_study_writes_what_it_has(
    make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    study = make_study(spec={"models": [], "buckets": []}, text="")
    bare = tuple(dataclasses.replace(run, vectors=None) for run in study.runs)
    report = tmp_path / "report"
    write(make_study(), None, report)
    (report / "mine.csv").write_text("a note\n")
    written = write(dataclasses.replace(study, runs=bare, readings=()), None, report)
    assert [path.name for path in written] == FILES[:4]
    assert {path.name for path in report.iterdir()} == {"mine.csv", *FILES[:4]}
