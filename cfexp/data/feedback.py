"""What counts as a preference: a rule that turns rows into matrices, after the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.rows.repeats import lasts, repeats, sums
from cfexp.data.rows.sound import MOST
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
        return self.matrices(rows)[1]

    def positives(self, rows: Interactions) -> Positives:
        """Return the positives among `rows`, users x items, with their rank and age.

        A pair of several rows is as old as its last one. `rows`, positive or not, say
        which day is the newest.
        """
        return self.matrices(rows)[0]

    def matrices(self, rows: Interactions) -> tuple[Positives, Matrix]:
        """Return the positives and the pairs seen, for which the rows are sorted once."""
        last, values = self._pairs(rows)
        users, items = rows.user[last], rows.item[last]
        seen = _matrix(np.ones(len(last), np.float32), users, items, rows.shape)
        least = self.positive_from
        liked = values > 0 if least is None else values >= least
        pairs = seen
        if not liked.all():
            last, values = last[liked], values[liked]
            pairs = _matrix(values, users[liked], items[liked], rows.shape)
        if self.values == "ones":
            values = np.ones(len(last), np.float32)
        del users, items, liked
        positives = _like(pairs, values)
        return Positives(positives, *_recency(rows.select(last), rows.time)), seen

    def _pairs(self, rows: Interactions) -> tuple[Longs, Floats]:
        """Return the last row of each pair, sorted by user and item, and the pair's value."""
        order, starts = repeats(rows)
        last = lasts(order, starts)
        if self.duplicates == "last" or len(last) == len(order):
            return last, rows.value[last]
        return last, sums(rows, order, starts).astype(np.float32)


def _matrix(values: Floats, users: Codes, items: Codes, shape: tuple[int, int]) -> Matrix:
    """Return a CSR matrix of pairs that are distinct and sorted."""
    ends = np.cumsum(np.bincount(users, minlength=shape[0]))
    indptr = np.append(0, ends).astype(np.int32 if len(items) <= MOST else np.int64)
    return _like(sparse.csr_array((values, items, indptr), shape=shape), values)


def _like(matrix: Matrix, values: Floats) -> Matrix:
    """Return a matrix of `values` at the entries of another, whose indices it shares."""
    parts = (values, matrix.indices, matrix.indptr)
    found: Matrix = sparse.csr_array(parts, shape=matrix.shape)
    found.has_canonical_format = True
    return found


def _recency(rows: Interactions, times: Longs | None) -> tuple[Codes, Floats | None, Floats | None]:
    """Return how many rows of its user are newer than each row, and by how many days.

    And, for every user, by how many days the newest of all `times` is newer than the
    user's newest row; 0 for users without rows.
    """
    order = rows.by_time_within()
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
