"""`TopLists` and `Shelf`: what metrics of top-k lists are computed from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import Codes, Longs, Mask, Matrix
    from cfexp.data.training import TrainingData


@dataclass(frozen=True, eq=False)
class Shelf:
    """What is known of the items, whoever they are recommended to.

    `training`: the positives learnt from; `n_candidates`: how many items could have been
    recommended; `usual`: given k, the first k items that popularity recommends to each
    user of the lists (n x k, -1 where short).
    """

    training: TrainingData
    n_candidates: int
    usual: Callable[[int], Codes]

    @cached_property
    def n_users(self) -> int:
        """How many users have a training positive."""
        return int(np.count_nonzero(np.diff(self.training.positives.indptr)))

    @cached_property
    def vectors(self) -> Matrix:
        """Items x training users, by which items are alike: 1 for a positive of any value."""
        by_item = self.training.by_item
        ones = np.ones(by_item.nnz, np.float32)
        return sparse.csr_array((ones, by_item.indices, by_item.indptr), shape=by_item.shape)

    @cached_property
    def features(self) -> Matrix:
        """Items x standardised features; DataError where items have none."""
        vectors, _ = self.training.item_directions
        return sparse.csr_array(vectors)


@dataclass(frozen=True, eq=False)
class TopLists:
    """The best k items of n users, and which of them were relevant.

    `items` (n x at most k item codes, best first, -1 where a list is short); `hits`
    (likewise, true where the item is relevant); `n_relevant` (n, each > 0); `k`, which
    may exceed the number of items there are; `shelf`, about the items.
    """

    items: Codes
    hits: Mask
    n_relevant: Longs
    k: int
    shelf: Shelf

    def cut(self, k: int) -> TopLists:
        """Return the first `k` places of every list."""
        return dataclasses.replace(self, items=self.items[:, :k], hits=self.hits[:, :k], k=k)
