"""What lists are like, whether or not they hit: how popular, how alike, how much they cover.

docs/metrics.md says what other libraries call these, and where they differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Doubles, Longs, Mask, Matrix
    from cfexp.metrics.accuracy import Ratio
    from cfexp.metrics.lists import TopLists


def average_popularity(lists: TopLists) -> Ratio:
    """Training positives of the items in a user's list, averaged over the list.

    The mean of this over users is `avg_popularity`. A user whose list is empty has 0.
    """
    filled = lists.items >= 0
    counts = np.where(filled, lists.shelf.training.item_counts[lists.items], 0)
    return counts.sum(axis=1).astype(np.float64), _lengths(filled)


def novelty(lists: TopLists) -> Ratio:
    """Self-information of the items in a user's list, averaged over the list, in bits.

    -log2(n_i / n) for an item that n_i of the n training users have (Zhou et al. 2010,
    "surprisal"; Castells, Hurley and Vargas 2015, mean self-information). An item that
    none of them has counts as if one had it. A user whose list is empty has 0.
    """
    share = np.maximum(lists.shelf.training.item_counts, 1) / lists.shelf.n_users
    filled = lists.items >= 0
    bits = np.where(filled, -np.log2(share)[lists.items], 0)
    return bits.sum(axis=1), _lengths(filled)


def diversity(lists: TopLists) -> Ratio:
    """One minus the mean cosine between the items of a user's list, over all pairs.

    2 / (n (n - 1)) sum_{i < j} (1 - cos(v_i, v_j)) for a list of n items (Ziegler et al.
    2005, section 3.3; Castells, Hurley and Vargas 2015), with v the rows of the shelf's
    `vectors`. An item without entries is like no other. Lists with one item or none
    have 0.
    """
    return _unlike(lists, lists.shelf.vectors)


def feature_diversity(lists: TopLists) -> Ratio:
    """One minus the mean cosine between the features of a list's items, over all pairs.

    As `diversity`, with v the item features, standardised as the model `content` does. An
    item of no known feature is like no other. Values reach from 0 to 2, as cosines of
    standardised features may be negative; lists drawn at random have about 1.
    """
    return _unlike(lists, lists.shelf.features)


def serendipity(lists: TopLists) -> Ratio:
    """Hits that popularity's own list of k lacks, over places: sum_j h_j [i_j not in P] / k.

    P are the first k items that the number of training positives ranks for the same
    user, with the same items hidden. After Ge, Delgado-Battenfeld and Jannach (2010):
    useful and not expected of a primitive model.
    """
    usual = lists.shelf.usual(lists.k)
    expected = np.zeros(lists.items.shape, bool)
    for place in range(usual.shape[1]):
        expected |= lists.items == usual[:, place, None]
    surprises = (lists.hits & ~expected).sum(axis=1).astype(np.float64)
    return surprises, np.full(len(surprises), float(lists.k))


def coverage(lists: TopLists) -> float:
    """Share of the candidate items that occur in at least one list."""
    return len(_occurrences(lists)) / lists.shelf.n_candidates


def gini(lists: TopLists) -> float:
    """Inequality of how often the candidates occur in lists: 0 all equally, near 1 few.

    Candidates that never occur are included (Adomavicius and Kwon 2012 use one minus
    this). 0 when all lists are empty.
    """
    return inequality(_occurrences(lists), lists.shelf.n_candidates)


def inequality(counts: Longs, n: int) -> float:
    """Return the Gini index of `counts` and as many zeros as make `n`; 0 of nothing.

    sum_i (2 i - n - 1) x_i / (n sum_i x_i), with x the n numbers in ascending order
    (Gini 1912).
    """
    if len(counts) == 0:
        return 0.0
    ranks = np.arange(n - len(counts) + 1, n + 1)
    return float(((2 * ranks - n - 1) * np.sort(counts)).sum() / (n * counts.sum()))


def _occurrences(lists: TopLists) -> Longs:
    """Return how often each item occurs that is in any list."""
    counts = np.bincount(lists.items[lists.items >= 0])
    return counts[counts > 0]


def _unlike(lists: TopLists, vectors: Matrix) -> Ratio:
    """Return the sum of one minus cosine over the pairs of every list, and how many there are."""
    from cfexp.metrics.similarity import cosine_sums

    n = (lists.items >= 0).sum(axis=1)
    pairs = n * (n - 1) / 2
    alike = np.clip(cosine_sums(lists.items, vectors), -pairs, pairs)
    return pairs - alike, np.maximum(pairs, 1)


def _lengths(filled: Mask) -> Doubles:
    """Return the length of every list, 1 for an empty one."""
    lengths: Doubles = np.maximum(filled.sum(axis=1), 1).astype(np.float64)
    return lengths
