"""Item-kNN against dense NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.models.item_knn import ItemKNN


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("shrinkage", [0, 2.5])
@pytest.mark.parametrize("neighbours", [3, 100])
def test_scores_by_dense_numpy(*, binary: bool, shrinkage: float, neighbours: int) -> None:
    rng = np.random.default_rng(0)
    dense = (rng.random((60, 25)) < 0.2) * rng.integers(1, 6, (60, 25))
    dense[:, 4] = 0
    model = ItemKNN(neighbours=neighbours, binary=binary, shrinkage=shrinkage)
    scorer = model.fit(dense, rng=0)
    x = (dense > 0).astype(float) if binary else dense.astype(float)
    norms = np.linalg.norm(x, axis=0)
    similar = (x.T @ x) / np.maximum(np.outer(norms, norms) + shrinkage, 1e-30)
    np.fill_diagonal(similar, 0)
    similar = similar.astype(np.float32)
    kept = np.zeros_like(similar)
    for j, row in enumerate(similar):
        best = np.argsort(-row, kind="stable")[:neighbours]
        kept[j, best] = row[best]
    expected = (dense > 0).astype(np.float64) @ kept
    scores = scorer.scores(scorer.queries(sparse.csr_array(dense.astype(np.float32))))
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-7)
