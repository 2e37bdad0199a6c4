"""What items are alike and what makes a score, for every model that can tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.models.als import ALS
from cfexp.models.content import Content
from cfexp.models.ease import EASE
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Model
from cfexp.models.nmf import NMF
from cfexp.models.relating import RelatingScorer
from cfexp.models.svd import PureSVD

FADING = {"recency": 4, "recency_scale": 6, "scoring_recency": 9, "scoring_recency_scale": 2}
FACTORS = [
    ALS(factors=8, alpha=6, epochs=4),
    ALS(factors=8, epochs=3, nu=0.6, unseen_weight=0.3, **FADING),
    Content(alpha=2, recency=5),
    Content(normalize=True, confidence="log"),
    NMF(factors=7),
    NMF(factors=29, iterations=3, binary=False),
    PureSVD(factors=9),
    PureSVD(factors=9, binary=False),
]
WEIGHTS = [
    EASE(regularization=20),
    EASE(binary=False, **FADING),
    ItemKNN(neighbours=9),
    ItemKNN(weighting="bm25", shrinkage=5, **FADING),
]


def fitted(model: Model, positives: Positives) -> RelatingScorer:
    features = np.random.default_rng(6).normal(size=(positives.shape[1], 4))
    scorer = model.fit(TrainingData(positives, ItemFeatures.of(features)), rng=0)
    assert isinstance(scorer, RelatingScorer)
    return scorer


@pytest.mark.parametrize("model", [*FACTORS, *WEIGHTS], ids=repr)
def test_contributions_sum_to_the_score(model: Model, positives: Positives) -> None:
    scorer = fitted(model, positives)
    scores = scorer.scores(scorer.queries(positives))
    for user, item in ((0, 3), (40, 29), (89, 0)):
        items, adds = scorer.explain(user, item)
        assert items.dtype == np.int32
        assert set(items) == set(positives.matrix[[user]].indices)
        assert (np.diff(adds) <= 0).all()
        assert adds.sum() == pytest.approx(scores[user, item], abs=1e-5)


@pytest.mark.parametrize("model", [*FACTORS, *WEIGHTS], ids=repr)
def test_nothing_explains_nothing(model: Model, positives: Positives) -> None:
    dense = positives.toarray()
    dense[3] = 0
    items, adds = fitted(model, Positives.of(sparse.csr_array(dense))).explain(3, 5)
    assert len(items) == len(adds) == 0


@pytest.mark.filterwarnings("ignore:6 factors for")
def test_tastes_that_are_one_are_explained_too() -> None:
    scorer = NMF(factors=6).fit(np.kron(np.ones((8, 2)), np.eye(2)))
    _, adds = scorer.explain(0, 2)
    assert adds.sum() == pytest.approx(scorer.scores(scorer.queries(scorer.history))[0, 2])


@pytest.mark.parametrize("by", ["cosine", "dot"])
@pytest.mark.parametrize("model", FACTORS, ids=repr)
def test_items_are_alike_by_their_factors(model: Model, positives: Positives, by: str) -> None:
    scorer = fitted(model, positives)
    assert isinstance(scorer, FactorScorer)
    if by not in scorer.measures:
        assert isinstance(model, Content)  # whose cosines are all that it has
        return
    y = scorer.item_factors.astype(float)
    if by == "cosine":
        y /= np.linalg.norm(y, axis=1, keepdims=True)
    items, values = scorer.similar_items([7, 0, 7], 4, by)
    np.testing.assert_array_equal(items[0], items[2])
    for item, found, value in zip((7, 0), items, values, strict=False):
        alike = y @ y[item]
        alike[item] = -np.inf
        np.testing.assert_allclose(value, np.sort(alike)[:-5:-1], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(alike[found], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("model", [FACTORS[0], *WEIGHTS], ids=repr)
def test_what_is_not_there_is_refused(model: Model, positives: Positives) -> None:
    scorer = fitted(model, positives)
    default, named = (scorer.similar_items(4, 3, by)[0] for by in (None, scorer.measures[0]))
    np.testing.assert_array_equal(default, named)
    with pytest.raises(ValueError, match=f"by must be '{scorer.measures[0]}'"):
        scorer.similar_items(4, 3, "taste")
    for item in (-1, 30, 2**32):
        with pytest.raises(IndexError, match=rf"items must be codes in 0\.\.29, got {item}"):
            scorer.similar_items([4, item])
        with pytest.raises(IndexError, match=r"items must be codes"):
            scorer.explain(0, item)
    for user in (-1, 90):
        with pytest.raises(IndexError, match=rf"users must be codes in 0\.\.89, got {user}"):
            scorer.explain(user, 0)
