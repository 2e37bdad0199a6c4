"""EASE against its closed form and against the conditions of its minimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp import memory
from cfexp.errors import DataError
from cfexp.models.ease import EASE, EaseScorer


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    rng = np.random.default_rng(3)
    return ((rng.random((400, 70)) < 0.15) * rng.integers(1, 6, (400, 70))).astype(np.float32)


def fitted(dense: np.ndarray, **fields: object) -> EaseScorer:
    scorer = EASE(**fields).fit(dense)
    assert isinstance(scorer, EaseScorer)
    return scorer


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("regularization", [0.5, 300])
def test_closed_form(dense: np.ndarray, regularization: float, *, binary: bool) -> None:
    x = (dense > 0).astype(float) if binary else dense.astype(float)
    inverse = np.linalg.inv(x.T @ x + regularization * np.eye(70))
    expected = np.where(np.eye(70), 0, -inverse / np.diag(inverse))
    scorer = fitted(dense, regularization=regularization, binary=binary)
    np.testing.assert_allclose(scorer.weights, expected, rtol=1e-5, atol=1e-7)
    scores = scorer.scores(scorer.queries(sparse.csr_array(dense)))
    np.testing.assert_allclose(scores, x @ expected, rtol=1e-4, atol=1e-5)


def test_items_that_nobody_has_weigh_nothing_and_change_nothing(dense: np.ndarray) -> None:
    wide = np.zeros((400, 200), np.float32)
    places = np.sort(np.random.default_rng(1).permutation(200)[:70])
    wide[:, places] = dense
    weights = fitted(wide, regularization=20).weights
    np.testing.assert_array_equal(
        weights[np.ix_(places, places)], fitted(dense, regularization=20).weights
    )
    assert np.count_nonzero(weights) == 70 * 69


def test_it_is_the_minimum(dense: np.ndarray) -> None:
    x = (dense > 0).astype(float)
    weights = fitted(dense, regularization=20).weights.astype(float)
    assert (np.diag(weights) == 0).all()
    slope = x.T @ (x @ weights - x) + 20 * weights  # half the gradient of the objective
    slope[np.diag_indices(70)] = 0  # where the constraint holds B back
    assert abs(slope).max() < 1e-3 * abs(x.T @ x).max()


def test_every_column_is_a_ridge_regression(dense: np.ndarray) -> None:
    ridge = pytest.importorskip("sklearn.linear_model").Ridge(alpha=20, fit_intercept=False)
    x = (dense > 0).astype(float)
    weights = fitted(dense, regularization=20).weights
    for item in (0, 33, 69):
        others = np.arange(70) != item
        ridge.fit(x[:, others], x[:, item])
        np.testing.assert_allclose(weights[others, item], ridge.coef_, atol=1e-6)


def test_more_items_than_memory_are_refused(
    dense: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = 32 * np.count_nonzero(dense)
    monkeypatch.setattr(memory, "available", lambda: 70 * 70 * 16 + entries)
    fitted(dense)
    monkeypatch.setattr(memory, "available", lambda: 70 * 70 * 16)
    with pytest.raises(DataError, match=r"ease .* 70 items .* 0\.0 GiB .* use item_knn or als"):
        fitted(dense)
    monkeypatch.setattr(memory, "available", lambda: 8 * 2**30)
    wide = sparse.csr_array(([1.0], ([0], [99_999])), shape=(1, 100_000))
    with pytest.raises(DataError, match=r"takes about 37\.3 GiB of memory and 8\.0 GiB are left"):
        EASE().fit(wide)


def test_items_that_nobody_took_need_no_room_to_be_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = np.zeros((3, 1_000), np.float32)
    dense[:, :30] = 1
    room = 8 * 30**2 + 4 * 1_000**2 + 32 * 90
    monkeypatch.setattr(memory, "available", lambda: room)
    EASE().fit(sparse.csr_array(dense))
    monkeypatch.setattr(memory, "available", lambda: room - 1)
    with pytest.raises(DataError, match="ease on 3 users"):
        EASE().fit(sparse.csr_array(dense))


def test_values_beyond_floating_point_are_refused() -> None:
    twins = np.array([[2.0**40, 2.0**40]])
    with pytest.raises(
        DataError, match=r"no solution .* values up to 1\.09951e\+12; raise regular"
    ):
        EASE(binary=False, regularization=0.001).fit(twins)
    EASE(regularization=0.001).fit(twins)
