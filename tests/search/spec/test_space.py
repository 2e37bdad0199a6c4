"""Ranges say what Optuna may draw, and what a model must accept."""

import optuna
import pytest
from pydantic import ValidationError

from cfexp.search.spec.space import Choice, FloatRange, IntRange, Range

RANGES = [
    IntRange(low=8, high=64),
    IntRange(low=8, high=64, log=True),
    IntRange(low=8, high=64, step=8),
    FloatRange(low=0.0, high=1.0),
    FloatRange(low=1e-4, high=10.0, log=True),
    FloatRange(low=0.0, high=1.0, step=0.25),
    Choice(values=(32, 64, 128)),
    Choice(values=("cg", "cholesky")),
]


@pytest.mark.parametrize("values", RANGES, ids=repr)
def test_what_is_drawn_is_contained(values: Range) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [values.suggest(study.ask(), "x") for _ in range(50)]
    assert all(values.contains(value) for value in drawn)
    assert len(set(drawn)) > 1
    listed = values.grid()
    if listed is not None:
        assert set(drawn) <= set(listed)
        assert all(values.contains(value) for value in listed)


@pytest.mark.parametrize("values", RANGES, ids=repr)
def test_extremes_are_contained_and_strangers_are_not(values: Range) -> None:
    assert all(values.contains(value) for value in values.extremes())
    assert not values.contains(1000)
    assert not values.contains("stranger")


def test_a_grid_lists_every_step() -> None:
    assert IntRange(low=8, high=32, step=8).grid() == [8, 16, 24, 32]
    assert FloatRange(low=0.0, high=0.3, step=0.1).grid() == pytest.approx([0, 0.1, 0.2, 0.3])
    assert FloatRange(low=0.0, high=1.0).grid() is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 2.0, "high": 1.0},
        {"low": 0.0, "high": 1.0, "log": True},
        {"low": 1.0, "high": 2.0, "log": True, "step": 0.5},
        {"low": 0.0, "high": 1.0, "step": 0.3},
        {"low": float("nan"), "high": 1.0},
    ],
)
def test_impossible_ranges_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        FloatRange(**arguments)


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0.1, 0.7, 0.2), (0.0, 0.3, 0.1), (1.1, 3.3, 1.1)]
)
def test_inexact_steps_stay_inside_the_range(low: float, high: float, step: float) -> None:
    values = FloatRange(low=low, high=high, step=step)
    grid = values.grid()
    assert grid is not None
    assert (grid[0], grid[-1]) == (low, high)
    assert all(values.contains(value) for value in grid)
