"""`TopLists`: what every metric is computed from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Longs, Mask


@dataclass(frozen=True, eq=False)
class TopLists:
    """The best k items of n users, and which of them were relevant.

    `items` (n x k item codes, best first, -1 where a list is short); `hits` (n x k,
    true where the item is relevant); `n_relevant` (n, each > 0); `popularity` (one
    number of training positives per item); `n_candidates`, how many items could have
    been recommended.
    """

    items: Codes
    hits: Mask
    n_relevant: Longs
    popularity: Longs
    n_candidates: int

    @property
    def k(self) -> int:
        """The length of the lists."""
        return int(self.items.shape[1])

    def cut(self, k: int) -> TopLists:
        """Return the first `k` places of every list; k may not exceed the length."""
        return dataclasses.replace(self, items=self.items[:, :k], hits=self.hits[:, :k])
