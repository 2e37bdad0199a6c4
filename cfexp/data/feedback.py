"""What counts as a preference: a rule that turns rows into matrices, after the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.arrays import Matrix, csr
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions


class Feedback(Recipe):
    """Which pairs are positives, and what value they carry into the models.

    A pair's rows within one part of a split are first merged (`duplicates`), then
    compared with `positive_from`. All pairs, positive or not, count as seen.
    """

    positive_from: Annotated[float, Field(gt=0)] | None = None
    """A pair is a positive when its value is at least this; left out: when it is above 0."""
    values: Literal["ones", "raw"] = "raw"
    """What positives carry into the models: 1 each, or their value (a count, a rating)."""
    duplicates: Literal["last", "sum"] = "last"
    """Several rows of one user and item: the last in time is kept, or values are summed."""

    def seen(self, rows: Interactions) -> Matrix:
        """Return a users x items matrix of ones at every pair that occurs in `rows`."""
        pairs = csr(rows.user, rows.item, np.ones(len(rows)), rows.shape)
        pairs.data[:] = 1
        return pairs

    def positives(self, rows: Interactions) -> Matrix:
        """Return a users x items matrix of the positives among `rows`."""
        pairs = csr(rows.user, rows.item, rows.value, rows.shape)
        if self.duplicates == "last" and pairs.nnz < len(rows):
            rows = _last_of_each_pair(rows)
            pairs = csr(rows.user, rows.item, rows.value, rows.shape)
        least = self.positive_from
        pairs.data[~(pairs.data > 0 if least is None else pairs.data >= least)] = 0
        pairs.eliminate_zeros()
        if self.values == "ones":
            pairs.data[:] = 1
        return pairs


def _last_of_each_pair(rows: Interactions) -> Interactions:
    pair = rows.user.astype(np.int64) * len(rows.items) + rows.item
    order = rows.order_by(*(() if rows.time is None else (rows.time,)), pair)
    pair = pair[order]
    last = np.append(pair[1:] != pair[:-1], True)
    return rows.select(order[last])
