"""Popularity, with and without decay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.feedback import Feedback
from cfexp.data.interactions import Interactions
from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError
from cfexp.models.popularity import Popularity

DAY = 86_400_000_000  # microseconds


def scores(model: Popularity, positives: Positives) -> list[float]:
    scorer = model.fit(positives)
    return scorer.scores(scorer.queries(positives.matrix[:1]))[0].tolist()


def test_old_positives_count_less_whoever_has_them() -> None:
    matrix = sparse.csr_array(np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0]], np.float32))
    age = np.array([20, 10, 0, 30, 0], np.float32)
    idle = np.array([0, 10, 40], np.float32)
    dated = Positives(matrix, np.array([1, 0, 0, 1, 0], np.int32), age, idle)
    assert scores(Popularity(half_life_days=10), dated) == pytest.approx(
        [0.5**2 + 0.5**1 + 0.5**4, 0.5**1, 0.5**4]
    )
    assert scores(Popularity(), dated) == [3, 1, 1]


def test_days_count_back_from_the_newest_row() -> None:
    # item 0 was liked by two users long ago, item 1 by one of late; nobody liked item 2
    user, item, day = np.array([[0, 0, 5], [1, 0, 0], [2, 1, 90], [2, 2, 100]]).T
    value = np.array([5, 4, 5, 1])
    rows = Interactions(
        user,
        item,
        value,
        day * DAY,
        np.arange(4),
        Vocabulary(np.arange(6)),
        Vocabulary(np.arange(3)),
    )
    positives = Feedback(positive_from=4).positives(rows)
    old = 0.5 ** (95 / 30) + 0.5 ** (100 / 30)
    fading = scores(Popularity(half_life_days=30), positives)
    assert fading == pytest.approx([old, 0.5 ** (10 / 30), 0])
    assert scores(Popularity(), positives) == [2, 1, 0]


def test_a_long_half_life_is_none() -> None:
    rng = np.random.default_rng(0)
    matrix = sparse.csr_array((rng.random((50, 9)) < 0.3).astype(np.float32))
    age = rng.integers(0, 900, matrix.nnz).astype(np.float32)
    dated = Positives(matrix, None, age, np.zeros(50, np.float32))
    assert scores(Popularity(half_life_days=1e9), dated) == pytest.approx(
        scores(Popularity(), dated), rel=1e-5
    )


@pytest.mark.parametrize("aged", [False, True])
def test_decay_needs_times(*, aged: bool) -> None:
    matrix = sparse.csr_array(np.eye(3, dtype=np.float32))
    known = Positives(matrix, np.zeros(3, np.int32), np.zeros(3, np.float32) if aged else None)
    with pytest.raises(DataError, match=r"half_life_days = 10\.0 needs the date .* no times"):
        Popularity(half_life_days=10).fit(TrainingData(known))
