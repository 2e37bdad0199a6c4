"""Momentum: the sweeps of a plain float64 twin, the same optimum, in fewer epochs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from cfexp.arrays import Doubles, Matrix
from cfexp.data.training import TrainingData
from cfexp.models.als import ALS
from cfexp.models.als_start import item_factors

USERS, ITEMS, F = 150, 90, 8


@pytest.fixture(scope="module")
def counts() -> Matrix:
    rng = np.random.default_rng(5)
    share = rng.beta(0.5, 4, size=(USERS, 1)) * rng.beta(0.7, 2, size=(1, ITEMS)) * 3
    dense = (rng.random((USERS, ITEMS)) < share) * rng.integers(1, 6, size=(USERS, ITEMS))
    return sparse.csr_array(dense.astype(np.float32))


def solved(y: Doubles, values: Doubles, model: ALS) -> Doubles:
    c, p = 1 + model.alpha * values, (values > 0).astype(np.float64)
    eye = model.regularization * np.eye(F)
    return np.array(
        [
            np.linalg.solve(y.T @ (c[u][:, None] * y) + eye, y.T @ (c[u] * p[u]))
            for u in range(len(values))
        ]
    )


def twin(model: ALS, counts: Matrix, y: Doubles) -> tuple[Doubles, int]:
    """Item factors after all epochs, and how often the items did not run on."""
    r = counts.toarray().astype(np.float64)
    ahead, stops = y, 0
    for number in range(model.epochs):
        x = solved(ahead, r, model)
        after = solved(x, r.T, model)
        if number == 0:
            ahead = after
        else:
            # the metric of the whitened coordinates, in which the kernels work
            metric = x.T @ x + model.regularization * np.eye(F)
            along = np.sum((after - y) @ metric * (after - ahead))
            stops += bool(along < 0)
            ahead = after if along < 0 else after + model.momentum * (after - y)
        y = after
    return y, stops


@pytest.mark.parametrize(("regularization", "stopped"), [(0.1, False), (12.0, True)])
def test_sweeps_are_those_of_the_twin(
    counts: Matrix, regularization: float, *, stopped: bool
) -> None:
    model = ALS(
        factors=F,
        alpha=3,
        regularization=regularization,
        epochs=12,
        momentum=0.9,
        solver="cholesky",
    )
    y = item_factors((USERS, ITEMS), F, np.random.default_rng(3)).astype(np.float64)
    expected, stops = twin(model, counts, y)
    assert (stops > 0) == stopped
    found = model.fit(counts, rng=3).item_factors
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4 * np.abs(expected).max())


def losses(model: ALS, counts: Matrix) -> list[float]:
    epochs = model.train(TrainingData.of(counts), np.random.default_rng(0))
    return [float(epoch.loss() or np.nan) for epoch in epochs]


@pytest.mark.parametrize(("alpha", "regularization"), [(0, 0.01), (3, 0.1), (40, 1)])
def test_fewer_epochs_to_as_good_an_optimum(
    counts: Matrix, alpha: float, regularization: float
) -> None:
    settings = {"factors": F, "alpha": alpha, "regularization": regularization, "epochs": 120}
    plain = losses(ALS(**settings, momentum=0), counts)
    led = losses(ALS(**settings), counts)
    assert all(after <= before * (1 + 1e-6) for before, after in pairwise(plain[1:]))
    assert led[9] < plain[13]
    assert led[-1] <= plain[-1] * (1 + 1e-4)  # neither problem is convex: it may find a better one
