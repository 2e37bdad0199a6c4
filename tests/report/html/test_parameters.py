from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import create_trial

from cfexp.report.html import parameters
from cfexp.report.html.parameters import parameter_charts

if TYPE_CHECKING:
    from cfexp.report.html.markup import Html

IMPORTANCE = "Importance of the parameters"
BLUE_RGB = "rgb(31, 120, 180)"


def charts(study: optuna.Study) -> dict[str, Html]:
    """Charts, or the sentences in their place, by their headings."""
    found = parameter_charts(study, "ndcg@10")
    return {part[part.index("<h3>") + 4 : part.index("</h3>")]: part for part in found}


def figure(part: Html) -> dict[str, Any]:
    content = part.partition('<script type="application/json">')[2]
    return json.loads(content[: content.index("</script>")])  # type: ignore[no-any-return]


def note(part: Html) -> str:
    return part.partition('<p class="note">')[2].partition("</p>")[0]


def new_study(directions: list[str]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(directions=directions, sampler=optuna.samplers.RandomSampler(seed=1))


def test_every_chart_of_a_search(trials: optuna.Study) -> None:
    found = charts(trials)
    assert list(found) == [IMPORTANCE, "Slices", "Parallel coordinates"]
    bars = figure(found[IMPORTANCE])["data"]
    assert [one["name"] for one in bars] == ["PED-ANOVA", "fANOVA"]
    assert all(one["y"][-1] == "als.alpha" for one in bars)
    slices = figure(found["Slices"])
    assert len(slices["data"]) == 4
    assert slices["data"][0]["y"] == [trial.value for trial in trials.trials]
    kinds = [slices["layout"][axis].get("type") for axis in ("xaxis", "xaxis2", "xaxis4")]
    assert kinds == ["log", "category", "log"]
    lines = [one for one in figure(found["Parallel coordinates"])["data"] if one["mode"] == "lines"]
    best = max(trials.trials, key=lambda trial: trial.value or 0)
    assert len(lines) == 30
    assert lines[best.number]["line"]["color"] == BLUE_RGB


def test_worse_is_orange_whatever_the_direction() -> None:
    study = new_study(["minimize"])
    study.optimize(lambda trial: trial.suggest_float("als.alpha", 0, 1), n_trials=6)
    lines = figure(charts(study)["Parallel coordinates"])["data"]
    assert lines[study.best_trial.number]["line"]["color"] == BLUE_RGB


def test_many_slices_stand_in_rows() -> None:
    study = new_study(["maximize"])

    def many(trial: optuna.Trial) -> float:
        return sum(trial.suggest_float(f"als.p{n}", 0, 1) for n in range(9))

    study.optimize(many, n_trials=6)
    layout = figure(charts(study)["Slices"])["layout"]
    tops = {layout[f"yaxis{n or ''}"]["domain"][1] for n in (0, 5, 9)}
    assert len(tops) == 3
    assert "width" not in layout


def test_of_many_trials_some_are_drawn() -> None:
    study = new_study(["maximize"])
    rng = np.random.default_rng(0)
    spaces = {name: FloatDistribution(0, 1) for name in ("als.a", "als.b")}
    for one in rng.random((320, 2)):
        params = dict(zip(spaces, one.tolist(), strict=True))
        study.add_trial(create_trial(value=params["als.a"], params=params, distributions=spaces))
    found = charts(study)
    assert "given 300 trials, drawn at random" in note(found[IMPORTANCE])
    assert all(bars["y"][-1] == "als.a" for bars in figure(found[IMPORTANCE])["data"])
    assert "The best 300 trials are shown" in note(found["Parallel coordinates"])
    lines = [one for one in figure(found["Parallel coordinates"])["data"] if one["mode"] == "lines"]
    worst = min(sorted((trial.value or 0 for trial in study.trials), reverse=True)[:300])
    assert len(lines) == 300
    assert float(lines[0]["customdata"][0][1]) >= worst - 0.001
    assert len(figure(found["Slices"])["data"][0]["x"]) == 320


def test_a_search_without_trials_says_so() -> None:
    assert {note(part) for part in charts(new_study(["maximize"])).values()} == {
        "No trial is complete yet."
    }


def test_few_trials_have_no_importance() -> None:
    study = new_study(["maximize"])
    study.optimize(lambda trial: trial.suggest_float("als.alpha", 0, 1), n_trials=3)
    importance = charts(study)[IMPORTANCE]
    assert note(importance) == "At least 5 complete trials are needed; there are 3."
    assert "<figure" not in importance


def test_one_parameter_has_no_importance() -> None:
    study = new_study(["maximize"])
    study.optimize(lambda trial: trial.suggest_float("als.alpha", 0, 1), n_trials=6)
    assert note(charts(study)[IMPORTANCE]) == "als.alpha is the only parameter searched."


def test_equal_values_have_no_importance() -> None:
    study = new_study(["maximize"])

    def flat(trial: optuna.Trial) -> float:
        trial.suggest_float("als.alpha", 0, 1)
        trial.suggest_int("als.factors", 1, 4)
        return 0.5

    study.optimize(flat, n_trials=8)
    found = charts(study)
    assert "<figure" in found["Slices"]
    assert note(found[IMPORTANCE]) == "All complete trials have the same value."


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
    found = charts(study)
    assert list(found) == [
        f"{model}: {chart}"
        for model in ("knn", "als v1.0")
        for chart in (IMPORTANCE, "Slices", "Parallel coordinates")
    ]
    slices = figure(found["als v1.0: Slices"])
    assert slices["data"][0]["marker"]["color"] == [1, 3, 5, 7, 9, 11]


def test_several_objectives_draw_the_first() -> None:
    study = new_study(["maximize", "minimize"])

    def two(trial: optuna.Trial) -> tuple[float, float]:
        alpha = trial.suggest_float("als.alpha", 0, 1)
        trial.suggest_int("als.factors", 1, 64)
        return alpha, 1 - alpha

    study.optimize(two, n_trials=12)
    found = charts(study)
    assert all("<figure" in part for part in found.values())
    values = figure(found["Slices"])["data"][0]["y"]
    assert values == [trial.params["als.alpha"] for trial in study.trials]


def drawn_from(values: dict[str, list[int]], high: int) -> optuna.Study:
    study = new_study(["maximize"])
    for row in range(8):
        params = {name: numbers[row] for name, numbers in values.items()}
        spaces = {name: IntDistribution(0, high) for name in values}
        study.add_trial(create_trial(value=row / 8, params=params, distributions=spaces))
    return study


def test_a_chart_that_cannot_be_drawn_becomes_a_sentence() -> None:
    wide = {"als.a": [2**70 + 10**9 * n for n in range(8)], "als.b": list(range(8))}
    near = {"als.a": [2**53 + 2 * n for n in range(8)], "als.b": [3] * 8}
    assert any(
        "This cannot be shown: " in part for part in charts(drawn_from(wide, 2**80)).values()
    )
    for study in (drawn_from(near, 2**62), drawn_from({"als.a": [3] * 8, "als.b": [4] * 8}, 64)):
        found = charts(study)
        assert len(found) == 3
        assert all("<figure" in part or note(part) for part in found.values())


def test_parameters_that_never_vary_have_no_importance() -> None:
    study = new_study(["maximize"])
    for value in range(8):
        params = {"als.a": 64, "als.b": 64}
        spaces = dict.fromkeys(params, IntDistribution(64, 64))
        study.add_trial(create_trial(value=value, params=params, distributions=spaces))
    assert note(charts(study)[IMPORTANCE]) == "No parameter took more than one value."


def test_a_search_that_cannot_be_read_costs_its_charts_alone(
    trials: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "by_model", lambda _: 1 / 0)
    (sentence,) = charts(trials).values()
    assert note(sentence) == "This cannot be shown: division by zero"
