"""Popularity, with and without decay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.training import Positives, TrainingData
from cfexp.errors import DataError
from cfexp.models.popularity import Popularity


def test_old_positives_count_less() -> None:
    matrix = sparse.csr_array(np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0]], np.float32))
    ages = np.array([20, 10, 0, 30, 0], np.float32)
    data = TrainingData(Positives(matrix, np.array([1, 0, 0, 1, 0], np.int32), ages))
    scorer = Popularity(half_life_days=10).fit(data)
    scores = scorer.scores(scorer.queries(matrix[:1]))
    np.testing.assert_allclose(scores, [[0.25 + 1 + 1, 0.5, 0.125]])
    scorer = Popularity().fit(data)
    np.testing.assert_array_equal(scorer.scores(scorer.queries(matrix[:1])), [[3, 1, 1]])


def test_decay_needs_times() -> None:
    with pytest.raises(DataError, match=r"half_life_days = 10\.0 needs the age .* no times"):
        Popularity(half_life_days=10).fit(np.eye(3))
