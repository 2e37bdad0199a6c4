"""Item-kNN against dense NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.models.item_knn import ItemKNN
from cfexp.models.item_weights import bm25, tf_idf, with_values


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


@pytest.mark.parametrize("weighting", ["tf_idf", "bm25"])
@pytest.mark.parametrize("normalization", [0, 0.6, 1])
def test_weighted_similarities_by_dense_numpy(weighting: str, normalization: float) -> None:
    rng = np.random.default_rng(1)
    x = ((rng.random((80, 25)) < 0.2) * rng.integers(1, 9, (80, 25))).astype(float)
    x[5] = 0
    idf = np.log(25) - np.log(1 + (x > 0).sum(axis=1, keepdims=True))
    if weighting == "bm25":
        length = 1 - 0.4 + 0.4 * x.sum(axis=0) / x.sum(axis=0).mean()
        weighted = x * (2 + 1) / (x + 2 * length) * idf
    else:
        weighted = np.sqrt(x) * idf
    norms = np.outer(*[np.linalg.norm(weighted, axis=0)] * 2) ** normalization
    similar = weighted.T @ weighted / (norms + 0.3)
    np.fill_diagonal(similar, 0)
    model = ItemKNN(
        neighbours=25,
        binary=False,
        weighting=weighting,
        normalization=normalization,
        shrinkage=0.3,
        k1=2,
        b=0.4,
    )
    scorer = model.fit(x)
    scores = scorer.scores(scorer.queries(sparse.csr_array(x.astype(np.float32))))
    np.testing.assert_allclose(scores, (x > 0) @ similar, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighting", ["tf_idf", "bm25"])
def test_weights_are_those_of_implicit(weighting: str) -> None:
    theirs = pytest.importorskip("implicit.nearest_neighbours")
    matrix = sparse.random_array((60, 30), density=0.2, rng=0, format="csr")
    if weighting == "bm25":
        expected, found = theirs.bm25_weight(matrix.T, 1.5, 0.6), bm25(matrix, 1.5, 0.6)
    else:
        expected, found = theirs.tfidf_weight(matrix.T), tf_idf(matrix)
    np.testing.assert_allclose(with_values(matrix, found).toarray(), expected.T.toarray(), 1e-6)
