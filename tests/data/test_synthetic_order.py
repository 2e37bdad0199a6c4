"""On made-up tastes, models that look for tastes win, and the default sizes suffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfexp.data.feedback import Feedback
from cfexp.data.files.places import Places
from cfexp.data.synthetic import Synthetic
from cfexp.metrics.evaluate import evaluate
from cfexp.models.als import ALS
from cfexp.models.item_knn import ItemKNN
from cfexp.models.popularity import Popularity
from cfexp.splits.per_user_last import PerUserLast


def ndcg(source: Synthetic) -> list[float]:
    rows = source.load(Places(Path(), Path()))
    split = PerUserLast(novel_only=True).split(rows)
    stage = split.view(Feedback(duplicates="sum"))["test"]
    return [
        evaluate(model.fit(stage.training, rng=0), stage, ["ndcg@10"]).means()["ndcg@10"]
        for model in (Popularity(), ItemKNN(), ItemKNN(neighbours=20), ALS(factors=32))
    ]


@pytest.mark.slow
def test_popularity_is_worse_than_neighbours_and_neighbours_than_als() -> None:
    popularity, neighbours, few_neighbours, als = ndcg(Synthetic())
    assert popularity * 1.2 < neighbours
    assert max(neighbours, few_neighbours) * 1.1 < als


@pytest.mark.slow
def test_without_tastes_nothing_beats_popularity() -> None:
    popularity, *others = ndcg(Synthetic(focus=0))
    assert max(others) < popularity
