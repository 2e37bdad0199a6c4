"""Recency and similar items of EASE and item-kNN, against dense NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cfexp.data.positives import Positives
from cfexp.errors import DataError
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.item_model import ItemModel, ItemScorer
from cfexp.models.saved import load


def dense(positives: Positives, values: np.ndarray) -> np.ndarray:
    whole = np.zeros(positives.shape)
    users = np.repeat(np.arange(positives.shape[0]), np.diff(positives.indptr))
    whole[users, positives.indices] = values
    return whole


def fitted(model: ItemModel, positives: Positives) -> ItemScorer:
    scorer = model.fit(positives)
    assert isinstance(scorer, ItemScorer)
    return scorer


FADING = {"recency": 4, "recency_scale": 6, "scoring_recency": 9, "scoring_recency_scale": 2}


@pytest.mark.parametrize("by", ["rank", "age"])
def test_ease(positives: Positives, by: str) -> None:
    past = positives.rank if by == "rank" else positives.age
    x = dense(positives, 1 + 4 * np.exp(-past / 6))
    inverse = np.linalg.inv(x.T @ x + 20 * np.eye(30))
    weights = np.where(np.eye(30), 0, -inverse / np.diag(inverse))
    scorer = fitted(EASE(regularization=20, recency_by=by, **FADING), positives)
    expected = dense(positives, 1 + 9 * np.exp(-past / 2)) @ weights
    scores = scorer.scores(scorer.queries(positives))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_item_knn(positives: Positives) -> None:
    rank = positives.rank.astype(float)
    x = dense(positives, positives.data * (1 + 4 * np.exp(-rank / 6)))
    norms = np.linalg.norm(x, axis=0)
    similar = x.T @ x / (np.outer(norms, norms) + 3)
    np.fill_diagonal(similar, 0)
    expected = dense(positives, 1 + 9 * np.exp(-rank / 2)) @ similar
    scorer = fitted(ItemKNN(binary=False, shrinkage=3, **FADING), positives)
    scores = scorer.scores(scorer.queries(positives))
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


@pytest.mark.parametrize("model", [EASE, ItemKNN])
def test_scoring_fades_like_training_unless_told(
    model: type[ItemModel], positives: Positives
) -> None:
    left = fitted(model(recency=3, recency_scale=4), positives)
    right = fitted(
        model(recency=3, recency_scale=4, scoring_recency=3, scoring_recency_scale=4), positives
    )
    np.testing.assert_array_equal(left.recommend(range(90)), right.recommend(range(90)))
    none = fitted(model(recency=3, recency_scale=4, scoring_recency=0), positives)
    assert not np.array_equal(left.recommend(range(90)), none.recommend(range(90)))


@pytest.mark.parametrize("model", [EASE, ItemKNN])
def test_without_order_nothing_fades(model: type[ItemModel], positives: Positives) -> None:
    matrix = positives.matrix
    left, right = (fitted(m, matrix) for m in (model(**FADING), model()))
    np.testing.assert_array_equal(left.recommend(range(90)), right.recommend(range(90)))


def test_fading_by_age_needs_times(positives: Positives) -> None:
    with pytest.raises(DataError, match='recency_by = "age" needs times'):
        EASE(recency=1, recency_by="age").fit(Positives(positives.matrix, positives.rank))


@pytest.mark.parametrize("model", [EASE(), ItemKNN()])
def test_similar_items(model: ItemModel, positives: Positives) -> None:
    scorer = fitted(model, positives)
    items, values = scorer.similar_items([7, 0, 7], 4)
    np.testing.assert_array_equal(items[0], items[2])
    rows = scorer.rows(np.array([7, 0]))
    for item, row, found, value in zip((7, 0), rows, items, values, strict=False):
        row[item] = -np.inf
        np.testing.assert_array_equal(found, np.argsort(-row, kind="stable")[:4])
        np.testing.assert_array_equal(value, row[found])


@pytest.mark.parametrize("model", [EASE(**FADING), ItemKNN(recency_by="age", **FADING)])
def test_a_loaded_model_fades_as_well(
    model: ItemModel, positives: Positives, tmp_path: Path
) -> None:
    scorer = fitted(model, positives)
    scorer.save(tmp_path / "model.npz")
    loaded = load(tmp_path / "model.npz").scorer
    for left, right in zip(scorer.recommend(range(90)), loaded.recommend(range(90)), strict=True):
        np.testing.assert_array_equal(left, right)
