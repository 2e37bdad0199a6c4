"""RepeatLast against a sort."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.models.repeat_last import RepeatLast

MATRIX = sparse.csr_array(
    np.array([[1, 0, 2, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0]], np.float32)
)
RANK = np.array([1, 2, 0, 0, 2, 1, 0, 0, 1], np.int32)  # by item code within a user


def test_own_items_by_recency_then_the_popular() -> None:
    scorer = RepeatLast().fit(Positives(MATRIX, RANK))
    items, _ = scorer.recommend(np.arange(4), 5, filter_seen=False)
    # users having the items: 1, 0, 4, 3, 1
    assert items.tolist() == [
        [3, 0, 2, 4, 1],
        [2, 4, 3, 0, 1],
        [2, 3, 0, 4, 1],
        [2, 3, 0, 4, 1],
    ]


def test_without_order_own_items_by_popularity() -> None:
    scorer = RepeatLast().fit(MATRIX)
    items, _ = scorer.recommend(np.arange(2), 5, filter_seen=False)
    assert items.tolist() == [[2, 3, 0, 4, 1], [2, 3, 4, 0, 1]]


def test_hidden_it_is_popularity() -> None:
    scorer = RepeatLast().fit(Positives(MATRIX, RANK))
    items, _ = scorer.recommend(np.arange(2), 5)
    assert items.tolist() == [[4, 1, -1, -1, -1], [0, 1, -1, -1, -1]]
