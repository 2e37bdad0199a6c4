"""NMF: scikit-learn's factors, and users solved exactly against them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn import decomposition

from cfexp.models.nmf import NMF, NmfScorer


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    rng = np.random.default_rng(7)
    tastes = rng.random((200, 4)) ** 3 @ rng.random((4, 40)) ** 3
    return ((rng.random((200, 40)) < tastes) * rng.integers(1, 4, (200, 40))).astype(np.float32)


def fitted(dense: np.ndarray, **fields: object) -> NmfScorer:
    scorer = NMF(**fields).fit(dense)
    assert isinstance(scorer, NmfScorer)
    return scorer


@pytest.mark.parametrize("binary", [True, False])
def test_users_by_non_negative_least_squares(dense: np.ndarray, *, binary: bool) -> None:
    scorer = fitted(dense, factors=5, binary=binary)
    new = np.random.default_rng(1).permuted(dense[:20], axis=1)  # users it never saw
    users = scorer.queries(sparse.csr_array(new))
    rows = (new > 0).astype(float) if binary else new.astype(float)
    items = scorer.item_factors.astype(float)
    for found, row in zip(users, rows, strict=True):
        np.testing.assert_allclose(found, optimize.nnls(items, row)[0], atol=2e-4)
    np.testing.assert_allclose(
        scorer.scores(users), users @ scorer.item_factors.T, rtol=1e-5, atol=1e-6
    )


def test_the_fit_is_scikit_learns(dense: np.ndarray) -> None:
    scorer = fitted(dense, factors=5, iterations=200, binary=False)
    learner = decomposition.NMF(5, init="nndsvda", random_state=0, max_iter=2000)
    error = np.linalg.norm(learner.fit_transform(dense) @ learner.components_ - dense)
    own = np.linalg.norm(scorer.scores(scorer.queries(sparse.csr_array(dense))) - dense)
    assert own <= 1.001 * error
    assert (scorer.item_factors >= 0).all()
    assert 1 < int(scorer.facts["iterations_used"]) <= 200


def test_a_user_without_history_has_no_taste(dense: np.ndarray) -> None:
    scorer = fitted(dense, factors=5)
    assert (scorer.queries(sparse.csr_array((1, 40))) == 0).all()
