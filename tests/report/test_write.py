from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import create_trial

from cfexp.report import plots
from cfexp.report.buckets import bucket_lines
from cfexp.report.charts import bucket_sections
from cfexp.report.plots import search_sections
from cfexp.report.write import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.search.record import StudyRecord

FILES = [
    "verdict.md",
    "leaderboard.csv",
    "leaderboard.json",
    "comparisons.csv",
    "buckets.csv",
    "buckets.html",
    "search.html",
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


def test_pages_stand_alone(
    make_study: Callable[..., StudyRecord], trials: optuna.Study, tmp_path: Path
) -> None:
    write(make_study(), trials, tmp_path)
    for name in ("buckets.html", "search.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "<script src=" not in text
        assert text.count("plotly.js v") == 1
        assert len(text) < 6_000_000


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
    written = write(dataclasses.replace(study, runs=bare, readings=()), None, tmp_path)
    assert [path.name for path in written] == FILES[:3]


def new_study(directions: list[str]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(directions=directions, sampler=optuna.samplers.RandomSampler(seed=1))


def test_every_chart_of_a_search(trials: optuna.Study) -> None:
    sections = search_sections(trials, "ndcg@10")
    assert [section.heading for section in sections] == [
        "History",
        "Importance of the parameters",
        "Slices",
        "Parallel coordinates",
    ]
    assert all(section.figure is not None for section in sections)
    importance = sections[1].figure
    assert importance is not None
    assert [bars.name for bars in importance.data] == ["PED-ANOVA", "fANOVA"]
    assert all(bars.y[-1] == "als.alpha" for bars in importance.data)


def test_a_search_without_trials_says_so() -> None:
    sections = search_sections(new_study(["maximize"]), "ndcg@10")
    assert [section.note for section in sections] == ["No trial is complete yet."] * 4


def test_few_trials_have_no_importance() -> None:
    study = new_study(["maximize"])
    study.optimize(lambda trial: trial.suggest_float("als.alpha", 0, 1), n_trials=3)
    importance = search_sections(study, "ndcg@10")[1]
    assert importance.note == "At least 5 complete trials are needed; there are 3."
    assert importance.figure is None


def test_one_parameter_has_no_importance() -> None:
    study = new_study(["maximize"])
    study.optimize(lambda trial: trial.suggest_float("als.alpha", 0, 1), n_trials=6)
    assert search_sections(study, "ndcg@10")[1].note == "als.alpha is the only parameter searched."


def test_equal_values_have_no_importance() -> None:
    study = new_study(["maximize"])

    def flat(trial: optuna.Trial) -> float:
        trial.suggest_float("als.alpha", 0, 1)
        trial.suggest_int("als.factors", 1, 4)
        return 0.5

    study.optimize(flat, n_trials=8)
    history, importance, *_ = search_sections(study, "ndcg@10")
    assert history.figure is not None
    assert importance.note == "All complete trials have the same value."


def test_every_model_has_its_own_charts() -> None:
    study = new_study(["maximize"])
    rng = np.random.default_rng(0)

    def mixed(trial: optuna.Trial) -> float:
        if trial.number % 2:
            trial.suggest_float("als v1.0.alpha", 0, 1)
        else:
            trial.suggest_int("knn.neighbours", 1, 400)
        return float(rng.random())

    study.optimize(mixed, n_trials=12)
    headings = [section.heading for section in search_sections(study, "ndcg@10")]
    assert headings[0] == "knn: History"
    assert headings[4] == "als v1.0: History"
    assert len(headings) == 8
    history = search_sections(study, "ndcg@10")[4].figure
    assert history is not None
    assert list(history.data[0].x) == [1, 3, 5, 7, 9, 11]


def test_several_objectives_draw_the_first() -> None:
    study = new_study(["maximize", "minimize"])

    def two(trial: optuna.Trial) -> tuple[float, float]:
        alpha = trial.suggest_float("als.alpha", 0, 1)
        trial.suggest_int("als.factors", 1, 64)
        return alpha, 1 - alpha

    study.optimize(two, n_trials=12)
    sections = search_sections(study, "ndcg@10")
    assert all(section.figure is not None for section in sections)
    history = sections[0].figure
    assert history is not None
    assert list(history.data[0].y) == pytest.approx(
        [trial.params["als.alpha"] for trial in study.trials]
    )


def drawn_from(values: dict[str, list[int]], high: int) -> optuna.Study:
    study = new_study(["maximize"])
    for row in range(8):
        params = {name: numbers[row] for name, numbers in values.items()}
        spaces = {name: IntDistribution(0, high) for name in values}
        study.add_trial(create_trial(value=row / 8, params=params, distributions=spaces))
    return study


def test_a_chart_that_cannot_be_drawn_becomes_a_sentence(
    make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    wide = {"als.a": [2**70 + 10**9 * n for n in range(8)], "als.b": list(range(8))}
    for trials in (
        drawn_from(wide, 2**80),
        drawn_from({"als.a": [2**53 + 2 * n for n in range(8)], "als.b": [3] * 8}, 2**62),
        drawn_from({"als.a": [3] * 8, "als.b": [4] * 8}, 64),
    ):
        files = write(make_study(), trials, tmp_path)
        assert "search.html" in {path.name for path in files}
    search = (tmp_path / "search.html").read_text(encoding="utf-8")
    assert search.count("<h2>") == 4
    write(make_study(), drawn_from(wide, 2**80), tmp_path)
    search = (tmp_path / "search.html").read_text(encoding="utf-8")
    assert "This cannot be drawn: " in search
    assert "Plotly.newPlot" in search


def test_parameters_that_never_vary_have_no_importance() -> None:
    study = new_study(["maximize"])
    for value in range(8):
        params = {"als.a": 64, "als.b": 64}
        spaces = dict.fromkeys(params, IntDistribution(64, 64))
        study.add_trial(create_trial(value=value, params=params, distributions=spaces))
    _, importance, *_ = search_sections(study, "ndcg@10")
    assert importance.note == "No parameter took more than one value."


def test_a_search_that_cannot_be_read_costs_its_charts_alone(
    trials: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "_by_model", lambda _: 1 / 0)
    (section,) = search_sections(trials, "ndcg@10")
    assert section.note == "This cannot be drawn: division by zero"


EVIL = "</script><script>alert(1)</script><b>bold</b>"


def test_markup_in_names_does_not_act(
    make_study: Callable[..., StudyRecord], trials: optuna.Study, tmp_path: Path
) -> None:
    study = make_study(name=EVIL)
    runs = tuple(
        dataclasses.replace(run, entry=EVIL) if run.role == "final" else run for run in study.runs
    )
    write(dataclasses.replace(study, runs=runs), trials, tmp_path)
    for name in ("buckets.html", "search.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
    # Plotly reads markup in its labels, so they are escaped there as well.
    (trace,) = {
        trace.name
        for section in bucket_sections(bucket_lines(dataclasses.replace(study, runs=runs)))
        if section.figure is not None
        for trace in section.figure.data
        if "alert" in trace.name
    }
    assert "<" not in trace
