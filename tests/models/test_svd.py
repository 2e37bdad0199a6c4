"""PureSVD against NumPy's full decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.models.svd import PureSVD


def scores(model: PureSVD, dense: np.ndarray) -> np.ndarray:
    scorer = model.fit(dense)
    return scorer.scores(scorer.queries(sparse.csr_array(dense.astype(np.float32))))


@pytest.mark.parametrize("binary", [True, False])
def test_no_factors_are_better(*, binary: bool) -> None:
    rng = np.random.default_rng(5)
    tastes = rng.random((300, 6)) ** 4 @ rng.random((6, 50)) ** 4
    dense = (rng.random((300, 50)) < tastes) * rng.integers(1, 5, (300, 50))
    x = (dense > 0).astype(float) if binary else dense.astype(float)
    left_over = np.linalg.svd(x)[1][8:]  # by Eckart and Young (1936) the least error
    error = np.linalg.norm(scores(PureSVD(factors=8, binary=binary), dense) - x)
    assert error <= 1.001 * np.linalg.norm(left_over)


def test_scores_by_the_exact_decomposition() -> None:
    rng = np.random.default_rng(5)
    dense = rng.random((90, 3)) @ rng.random((3, 20)) + 0.01 * rng.random((90, 20))
    right = np.linalg.svd(dense)[2][:3]
    found = scores(PureSVD(factors=3, binary=False), dense)
    np.testing.assert_allclose(found, dense @ right.T @ right, atol=1e-4)


@pytest.mark.filterwarnings("ignore:100 factors for")
def test_all_factors_give_the_matrix_back() -> None:
    dense = (np.random.default_rng(0).random((30, 12)) < 0.3).astype(np.float32)
    np.testing.assert_allclose(scores(PureSVD(factors=100), dense), dense, atol=1e-5)
