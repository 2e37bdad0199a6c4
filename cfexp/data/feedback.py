"""What counts as a preference: a rule that turns rows into matrices, after the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.arrays import csr
from cfexp.data.training import Positives
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Floats, Longs, Matrix
    from cfexp.data.interactions import Interactions

_DAY = 86_400_000_000  # microseconds


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

    def positives(self, rows: Interactions) -> Positives:
        """Return the positives among `rows`, users x items, with their rank and age.

        A pair of several rows is as old as its last one. `rows`, positive or not, say
        which day is the newest.
        """
        pairs = csr(rows.user, rows.item, rows.value, rows.shape)
        last = _last_of_each_pair(rows)  # in the order of the matrix's entries
        if self.duplicates == "last":
            pairs.data[:] = last.value
        least = self.positive_from
        liked = pairs.data > 0 if least is None else pairs.data >= least
        pairs.data[~liked] = 0
        pairs.eliminate_zeros()
        if self.values == "ones":
            pairs.data[:] = 1
        rank, age, idle = _recency(last.select(liked), rows.time)
        return Positives(pairs, rank, age, idle)


def _last_of_each_pair(rows: Interactions) -> Interactions:
    """Return one row per pair, sorted by user and item."""
    pair = rows.user.astype(np.int64) * len(rows.items) + rows.item
    order = rows.by_time_within(pair)
    pair = pair[order]
    last = np.append(pair[1:] != pair[:-1], True)
    return rows.select(order[last])


def _recency(rows: Interactions, times: Longs | None) -> tuple[Codes, Floats | None, Floats | None]:
    """Return how many rows of its user are newer than each row, and by how many days.

    And, for every user, by how many days the newest of all `times` is newer than the
    user's newest row; 0 for users without rows.
    """
    order = rows.by_time_within(rows.user)
    rank = rows.rows_after(order).astype(np.int32)
    if rows.time is None or times is None:
        return rank, None, None
    count = rows.user_lengths
    end = np.cumsum(count)
    newest = np.full(len(count), int(times.max()) if len(times) else 0, np.int64)
    idle = newest.copy()
    newest[count > 0] = rows.time[order[end[count > 0] - 1]]
    idle -= newest
    return rank, _days(newest[rows.user] - rows.time), _days(idle)


def _days(microseconds: Longs) -> Floats:
    return (microseconds / _DAY).astype(np.float32)
