"""Top-k lists against the plain twin, with ties, holes and short lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from cfexp.ranking import ExactRanks, _plain_select, top_k


@settings(max_examples=60, deadline=None)
@given(
    users=st.integers(0, 150),
    items=st.one_of(st.integers(1, 70), st.integers(70, 600)),
    k=st.one_of(st.integers(1, 12), st.integers(1, 80)),
    levels=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_the_plain_twin(users: int, items: int, k: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (users, items)).astype(np.float32)
    scores[rng.random((users, items)) < 0.05] = np.nan
    scores[rng.random((users, items)) < 0.05] = -np.inf
    scores[rng.random((users, items)) < 0.05] = np.inf
    hidden = rng.random((users, items)) < 0.2
    candidates = rng.random(items) < 0.8
    wanted = rng.random((users, items)) < 0.1
    expected = _plain_select(scores, hidden, candidates, k)
    counted = plain_ranks(scores, wanted, hidden, candidates)
    for threads in (1, 3):
        ranks = ExactRanks.of(sparse.csr_array(wanted))
        got = top_k(
            lambda block: scores[block].copy(),
            users,
            k,
            hidden=sparse.csr_array(hidden),
            candidates=candidates,
            ranks=ranks,
            threads=threads,
        )
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])
        assert (got[0].dtype, got[1].dtype) == (np.int32, np.float32)
        np.testing.assert_array_equal(ranks.n_ranked, counted.n_ranked)
        np.testing.assert_array_equal(ranks.before, counted.before)
        np.testing.assert_array_equal(ranks.above, counted.above)
        np.testing.assert_array_equal(ranks.tied, counted.tied)


def plain_ranks(
    scores: np.ndarray, wanted: np.ndarray, hidden: np.ndarray, candidates: np.ndarray
) -> ExactRanks:
    """Exact ranks by sorting each user's items."""
    ranks = ExactRanks.of(sparse.csr_array(wanted))
    kept = np.where(hidden | ~candidates | np.isnan(scores), -np.inf, scores)
    for entry, (user, item) in enumerate(np.argwhere(wanted)):
        row = kept[user]
        if row[item] > -np.inf:
            ranks.before[entry] = np.argsort(-row, kind="stable").tolist().index(item)
            ranks.above[entry] = np.count_nonzero(row > row[item])
            ranks.tied[entry] = np.count_nonzero(row == row[item]) - 1
    ranks.n_ranked[:] = np.count_nonzero(kept > -np.inf, axis=1)
    return ranks


def test_ties_go_to_the_lower_code() -> None:
    items, _ = top_k(lambda _: np.zeros((1, 40), np.float32), 1, 5)
    np.testing.assert_array_equal(items, [[0, 1, 2, 3, 4]])


def test_negative_scores_are_ranked() -> None:
    items, scores = top_k(lambda _: np.array([[-3, -1, -2]], np.float32), 1, 2)
    np.testing.assert_array_equal(items, [[1, 2]])
    np.testing.assert_array_equal(scores, [[-1, -2]])


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        top_k(lambda _: np.zeros((1, 1), np.float32), 1, 0)
    ranks = ExactRanks.of(sparse.csr_array((2, 1)))
    with pytest.raises(ValueError, match="ranks has 2 rows for 1 users"):
        top_k(lambda _: np.zeros((1, 1), np.float32), 1, 1, ranks=ranks)
    with pytest.raises(ValueError, match="hidden has 2 rows for 1 users"):
        top_k(lambda _: np.zeros((1, 1), np.float32), 1, 1, hidden=sparse.csr_array((2, 1)))


def test_items_that_there_is_no_score_of_are_refused() -> None:
    def scores(block: slice) -> np.ndarray:
        return np.zeros((block.stop - block.start, 5), np.float32)

    wide = sparse.csr_array(([1.0], ([1], [5])), shape=(2, 10))
    with pytest.raises(ValueError, match="hidden has an item 5, and there are scores of 5 items"):
        top_k(scores, 2, 3, hidden=wide)
    with pytest.raises(ValueError, match="ranks has an item 5, and there are scores of 5 items"):
        top_k(scores, 2, 3, ranks=ExactRanks.of(wide))
    with pytest.raises(ValueError, match="6 candidates for scores of 5 items"):
        top_k(scores, 2, 3, candidates=np.ones(6, bool))


def test_errors_of_the_callable_come_through() -> None:
    def broken(block: slice) -> np.ndarray:
        raise OSError(f"from {block.start}")

    with pytest.raises(OSError, match="from "):
        top_k(broken, 1000, 3, threads=2)
