"""ALS on MovieLens-1M reaches the figures published for the per-user temporal split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cfexp.arrays import Matrix
from cfexp.models.als import ALS
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Scorer
from cfexp.models.popularity import Popularity

Parts = tuple[Matrix, Matrix, Matrix]


@pytest.fixture(scope="module")
def parts() -> Parts:
    """(seen, positives, held-out positives), split with pandas alone."""
    path = Path(os.environ.get("CFEXP_DATA_DIR", ".")) / "ml-1m" / "ratings.dat"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    text = path.read_text(encoding="latin-1").replace("::", ",")
    table = np.fromstring(text.replace("\n", ","), dtype=np.int64, sep=",").reshape(-1, 4)
    rows = pd.DataFrame(table, columns=["user", "item", "rating", "time"])
    rows["user"] = pd.factorize(rows["user"], sort=True)[0]
    rows["item"] = pd.factorize(rows["item"], sort=True)[0]
    rows = rows.sort_values(["user", "time"], kind="stable")
    shape = (rows["user"].max() + 1, rows["item"].max() + 1)
    back = rows.groupby("user").cumcount(ascending=False)
    train, test = rows[back >= 6], rows[back < 5]

    def matrix(part: pd.DataFrame) -> Matrix:
        at = (part["user"].to_numpy(), part["item"].to_numpy())
        return sparse.csr_array((np.ones(len(part), np.float32), at), shape=shape)

    liked = (matrix(part[part["rating"] >= 4]) for part in (train, test))
    return matrix(train), *liked


def recall_and_ndcg(
    scorer: Scorer, hidden: Matrix, seen: Matrix, relevant: Matrix
) -> tuple[float, float]:
    users = np.flatnonzero(np.diff(relevant.indptr))
    assert len(users) == 5553
    scores = scorer.scores(scorer.queries(scorer.history[users]))
    scores[hidden[users].toarray() > 0] = -np.inf
    scores[:, np.bincount(seen.indices, minlength=scores.shape[1]) == 0] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    wanted = relevant[users].toarray() > 0
    hits = np.take_along_axis(wanted, best, axis=1)
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discount)[np.minimum(wanted.sum(1), 10) - 1]
    return float((hits.sum(1) / wanted.sum(1)).mean()), float((hits @ discount / ideal).mean())


@pytest.mark.data
def test_popularity(parts: Parts) -> None:
    seen, positives, relevant = parts
    recall, _ = recall_and_ndcg(Popularity().fit(positives), seen, seen, relevant)
    assert recall == pytest.approx(0.052443123836965, abs=1e-9)


@pytest.mark.data
def test_item_knn(parts: Parts) -> None:
    seen, positives, relevant = parts
    recall, ndcg = recall_and_ndcg(ItemKNN().fit(positives), positives, seen, relevant)
    assert recall == pytest.approx(0.06281289393120834, abs=1e-9)
    assert ndcg == pytest.approx(0.045003165, abs=1e-5)


@pytest.mark.data
def test_als_mean_of_three_seeds(parts: Parts) -> None:
    seen, positives, relevant = parts
    model = ALS(factors=64, regularization=0.01, alpha=0, epochs=20)
    means = np.mean(
        [recall_and_ndcg(model.fit(positives, rng=s), seen, seen, relevant) for s in range(3)],
        axis=0,
    )
    assert 0.092 <= means[0] <= 0.097
    assert 0.064 <= means[1] <= 0.068
