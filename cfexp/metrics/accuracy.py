"""Accuracy of top-k lists: one (numerator, denominator) pair of float64 per user.

Throughout, h_j is 1 when the item at rank j (from 1) is relevant and 0 otherwise, and
R is the user's number of relevant items. A list shorter than k misses its last places.
docs/metrics.md says what other libraries call these, and where they differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cfexp.arrays import Doubles

if TYPE_CHECKING:
    from cfexp.metrics.lists import TopLists

Ratio: TypeAlias = tuple[Doubles, Doubles]
"""Numerator and denominator, one entry per user; the denominator is never 0."""


def recall(lists: TopLists) -> Ratio:
    """Hits over relevant items: sum_j h_j / R."""
    return _n_hits(lists), lists.n_relevant.astype(np.float64)


def recall_micro(lists: TopLists) -> Ratio:
    """Hits of all users over relevant items of all users: sum_u sum_j h_uj / sum_u R_u.

    A user's own ratio is their recall; the metric is the ratio of the sums.
    """
    return recall(lists)


def recall_capped(lists: TopLists) -> Ratio:
    """Hits over the most hits possible: sum_j h_j / min(k, R)."""
    return _n_hits(lists), _most_hits(lists)


def precision(lists: TopLists) -> Ratio:
    """Hits over places: sum_j h_j / k."""
    return _n_hits(lists), np.full(len(lists.hits), float(lists.k))


def ndcg(lists: TopLists) -> Ratio:
    """Discounted gain over the best possible: sum_j h_j d_j / sum_{j <= min(k, R)} d_j.

    d_j = 1 / log2(j + 1) (Jarvelin and Kekalainen 2002, with binary gains).
    """
    most, places = _most_hits(lists).astype(np.int64), lists.hits.shape[1]
    discounts = 1 / np.log2(np.arange(2, max(places, most.max(initial=0)) + 2))
    best = np.cumsum(discounts)[most - 1]
    return (lists.hits * discounts[:places]).sum(axis=1), best


def average_precision(lists: TopLists) -> Ratio:
    """Precision at every hit, averaged: sum_j h_j (sum_{i <= j} h_i / j) / min(k, R)."""
    ranks = np.arange(1, lists.hits.shape[1] + 1)
    at_rank = np.cumsum(lists.hits, axis=1) / ranks
    return (at_rank * lists.hits).sum(axis=1), _most_hits(lists)


def reciprocal_rank(lists: TopLists) -> Ratio:
    """One over the rank of the first hit, 0 without one."""
    first = lists.hits.argmax(axis=1)
    found = (_n_hits(lists) > 0).astype(np.float64)
    return found / (first + 1), np.ones(len(found))


def hit_rate(lists: TopLists) -> Ratio:
    """1 when the list holds a relevant item, else 0."""
    return (_n_hits(lists) > 0).astype(np.float64), np.ones(len(lists.hits))


def _n_hits(lists: TopLists) -> Doubles:
    hits: Doubles = lists.hits.sum(axis=1).astype(np.float64)
    return hits


def _most_hits(lists: TopLists) -> Doubles:
    most: Doubles = np.minimum(lists.n_relevant, lists.k).astype(np.float64)
    return most
