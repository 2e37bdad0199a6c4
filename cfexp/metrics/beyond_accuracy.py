"""What lists are like, whether or not they hit: how popular, and how much they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.metrics.accuracy import Ratio
    from cfexp.metrics.lists import TopLists


def average_popularity(lists: TopLists) -> Ratio:
    """Training positives of the items in a user's list, averaged over the list.

    The mean of this over users is `avg_popularity`. A user whose list is empty has 0.
    """
    filled = lists.items >= 0
    counts = np.where(filled, lists.popularity[lists.items], 0)
    places = np.maximum(filled.sum(axis=1), 1)
    return counts.sum(axis=1).astype(np.float64), places.astype(np.float64)


def coverage(lists: TopLists) -> float:
    """Share of the candidate items that occur in at least one list."""
    shown = np.unique(lists.items)
    return float(np.count_nonzero(shown >= 0) / lists.n_candidates)
