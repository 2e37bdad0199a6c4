"""ALS against the paper: loss, gradient, exact solutions, and the plain twin."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import DataError
from cfexp.models import reference
from cfexp.models.als import ALS
from cfexp.models.sweep import Rows, Side, Solver, Whitened, loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import Doubles, Matrix


@pytest.fixture(scope="module")
def counts() -> sparse.csr_array:
    """150 users x 300 items with counts 1..5, some empty rows and columns, some full."""
    rng = np.random.default_rng(5)
    share = rng.beta(0.5, 4, size=(150, 1)) * rng.beta(0.7, 2, size=(1, 300)) * 2
    dense = (rng.random((150, 300)) < share) * rng.integers(1, 6, size=(150, 300))
    dense[11] = 2
    dense[3] = 0
    dense[:, 7] = 0
    return sparse.csr_array(dense.astype(np.float32))


def gradient(x: Doubles, y: Doubles, extra: Matrix, reg: float) -> tuple[Doubles, Doubles]:
    """Of the dense objective, by hand: d/dx = -2 (C * (P - XY')) Y + 2 reg X."""
    c = 1 + extra.toarray().astype(np.float64)
    p = (extra.toarray() > 0).astype(np.float64)
    error = c * (p - x @ y.T)
    return -2 * error @ y + 2 * reg * x, -2 * error.T @ x + 2 * reg * y


def numeric_gradient(
    function: Callable[[Doubles], float], at: Doubles, step: float = 1e-5
) -> Doubles:
    slope = np.empty_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        slope[index] = (function(up) - function(down)) / (2 * step)
    return slope


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
@pytest.mark.parametrize("confidence", ["linear", "log"])
@pytest.mark.parametrize("factors", [5, 16, 40])
def test_loss_falls_after_every_epoch(
    counts: Matrix, solver: str, confidence: str, factors: int
) -> None:
    model = ALS(factors=factors, alpha=3, epochs=8, solver=solver, confidence=confidence)
    losses = [
        epoch.loss() for epoch in model.train(TrainingData.of(counts), np.random.default_rng(1))
    ]
    assert len(losses) == 8
    assert all(late < early for early, late in pairwise(losses))


def test_loss_is_the_papers_objective(counts: Matrix) -> None:
    model = ALS(factors=12, alpha=2, regularization=0.3, epochs=2)
    f = 12
    rng = np.random.default_rng(0)
    users = Side.of(rng.standard_normal((150, f)).astype(np.float32), None)
    items = Side.of(rng.standard_normal((300, f)).astype(np.float32), None)
    rows = model.rows(Positives.of(counts))
    by_item = model.rows(Positives.of(counts).transposed(), "items")
    Whitened(items, 0.3).solve(rows, users, Solver("cg", 1))
    extra = counts.copy()
    extra.data = 2 * extra.data
    x, y = users.factors(f).astype(np.float64), items.factors(f).astype(np.float64)
    expected = reference.objective(x, y, extra, 0.3)
    assert loss(users, items, rows, by_item, 0.3, 0.3) == pytest.approx(expected, rel=1e-6)
    c = 1 + 2 * counts.toarray().astype(np.float64)
    p = counts.toarray() > 0
    by_hand = (c * (p - x @ y.T) ** 2).sum() + 0.3 * ((x**2).sum() + (y**2).sum())
    assert expected == pytest.approx(by_hand, rel=1e-12)


def test_gradient_by_hand_is_that_of_the_objective(counts: Matrix) -> None:
    small = sparse.csr_array(counts[8:14, :9])
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((9, 3))
    of_x, of_y = gradient(x, y, small, 0.1)
    by_x = numeric_gradient(lambda at: reference.objective(at, y, small, 0.1), x)
    by_y = numeric_gradient(lambda at: reference.objective(x, at, small, 0.1), y)
    np.testing.assert_allclose(of_x, by_x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_y, by_y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
@pytest.mark.parametrize("alpha", [0, 1, 40])
def test_gradient_is_zero_at_the_exact_solution(counts: Matrix, solver: str, alpha: float) -> None:
    model = ALS(factors=20, alpha=alpha, regularization=0.1, epochs=3, solver=solver)
    scorer = model.fit(counts, rng=0)
    extra = counts.copy()
    extra.data = alpha * extra.data
    y = scorer.item_factors.astype(np.float64)
    at_start, _ = gradient_with_positives(np.zeros((150, 20)), y, counts, alpha)
    at_end, _ = gradient_with_positives(
        scorer.user_factors.astype(np.float64), y, counts, alpha, 0.1
    )
    assert np.abs(at_end).max() < 2e-5 * np.abs(at_start).max()


def gradient_with_positives(
    x: Doubles, y: Doubles, counts: Matrix, alpha: float, reg: float = 0.1
) -> tuple[Doubles, Doubles]:
    c = 1 + alpha * counts.toarray().astype(np.float64)
    p = (counts.toarray() > 0).astype(np.float64)
    error = c * (p - x @ y.T)
    return -2 * error @ y + 2 * reg * x, -2 * error.T @ x + 2 * reg * y


@pytest.mark.parametrize("solver", [Solver("cholesky"), Solver("cg", 200, 1e-7)])
def test_exact_kernels_agree_with_the_plain_twin(counts: Matrix, solver: Solver) -> None:
    rng = np.random.default_rng(3)
    y = rng.standard_normal((300, 20)).astype(np.float32)
    extra = counts.copy()
    extra.data = np.float32(5) * extra.data
    users = Side.of(np.zeros((150, 20), np.float32), None)
    Whitened(Side.of(y, None), 0.5).solve(Rows.of(extra, extra.data), users, solver)
    expected = reference.solved_exactly(y.astype(np.float64), extra, 0.5)
    np.testing.assert_allclose(users.factors(20), expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("started", ["cold", "warm"])
def test_steps_agree_with_the_plain_twin(counts: Matrix, steps: int, started: str) -> None:
    rng = np.random.default_rng(4)
    y = rng.standard_normal((300, 20)).astype(np.float32)
    x = (started == "warm") * rng.standard_normal((150, 20)).astype(np.float32)
    extra = counts.copy()
    extra.data = np.float32(5) * extra.data
    users = Side.of(x, None)
    rows = Rows.of(extra, extra.data)
    Whitened(Side.of(y, None), 0.5).solve(rows, users, Solver("cg", steps))
    expected = reference.solved_by_steps(
        x.astype(np.float64), y.astype(np.float64), extra, 0.5, steps
    )
    np.testing.assert_allclose(users.factors(20), expected, rtol=2e-4, atol=1e-5)


def test_conjugate_gradient_and_cholesky_reach_the_same_loss(counts: Matrix) -> None:
    ends = []
    for solver in ("cg", "cholesky"):
        model = ALS(factors=16, alpha=3, regularization=1, epochs=40, solver=solver)
        *_, last = model.train(TrainingData.of(counts), np.random.default_rng(1))
        ends.append(last.loss())
    assert ends[0] == pytest.approx(ends[1], rel=2e-3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"alpha": 2}, "cg, 2 steps (1 in epoch 1)"),  # counts go up to 5
        ({"alpha": 2.1}, "cg, 3 steps (1 in epoch 1)"),
        ({"alpha": 2.1, "unseen_weight": 2}, "cg, 2 steps (1 in epoch 1)"),
        ({"solver": "cg", "cg_steps": 1}, "cg, 1 step"),
        ({"solver": "cholesky"}, "cholesky"),
    ],
)
def test_the_fit_says_which_solver_it_used(
    counts: Matrix, fields: dict[str, Any], words: str
) -> None:
    scorer = ALS(factors=3, epochs=1, **fields).fit(counts, rng=0)
    assert scorer.facts == {"solver_used": words}
    onward = ALS(factors=3, epochs=1, **fields).fit(counts, rng=0, start=scorer)
    assert onward.facts == {"solver_used": words.partition(" (")[0]}


def test_a_user_without_history_gets_zeros(counts: Matrix) -> None:
    assert not ALS(factors=8, epochs=2).fit(counts, rng=0).user_factors[3].any()


def test_unseen_users_go_the_way_of_known_ones(counts: Matrix) -> None:
    scorer = ALS(factors=8, epochs=3).fit(counts, rng=0)
    known = scorer.user_factors[20:40]
    np.testing.assert_allclose(scorer.fold_in(counts[20:40]), known, rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="the history has 299 items, the model 300"):
        scorer.fold_in(counts[:, :299])


def test_an_epoch_answers_until_the_next_begins(counts: Matrix) -> None:
    epochs = ALS(factors=8, epochs=2).train(TrainingData.of(counts), np.random.default_rng(0))
    first = next(epochs)
    scorer = first.scorer()
    before = scorer.item_factors.copy()
    next(epochs)
    np.testing.assert_array_equal(scorer.item_factors, before)
    with pytest.raises(RuntimeError, match="epoch 1 was asked after epoch 2 had begun"):
        first.loss()


def test_explanations_add_up_to_the_score(counts: Matrix) -> None:
    scorer = ALS(factors=16, alpha=10, epochs=3, confidence="log").fit(counts, rng=0)
    items, adds = scorer.explain(11, 42)
    assert set(items) == set(counts[[11]].indices)
    assert (np.diff(adds) <= 0).all()
    score = scorer.scores(scorer.user_factors[11:12])[0, 42]
    assert adds.sum() == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("by", ["cosine", "dot"])
def test_similar_items_by_plain_numpy(counts: Matrix, by: str) -> None:
    scorer = ALS(factors=8, epochs=3).fit(counts, rng=0)
    y = scorer.item_factors.astype(np.float64)
    if by == "cosine":
        y = y / np.maximum(np.linalg.norm(y, axis=1, keepdims=True), 1e-30)
    two = np.argsort(-np.diff(counts.tocsc().indptr))[:2]
    products = y[two] @ y.T
    products[[0, 1], two] = -np.inf
    items, values = scorer.similar_items(two, 4, by=by)
    np.testing.assert_allclose(np.take_along_axis(products, items, 1), values, rtol=1e-4)
    np.testing.assert_allclose(values, -np.sort(-products, axis=1)[:, :4], rtol=1e-4)
    with pytest.raises(ValueError, match="'cosine' or 'dot'"):
        scorer.similar_items([5], 4, by="cos")


@pytest.mark.parametrize(
    "wrong", [{"factors": 0}, {"alpha": -1}, {"regularization": 0}, {"cg_steps": 0}]
)
def test_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ALS(**wrong)
