"""Rows of one user and item, which mean one thing or several: where they stand, and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Doubles, Longs
    from cfexp.data.interactions import Interactions


def repeats(rows: Interactions, *, of_events: bool = False) -> tuple[Longs, Longs]:
    """Return row positions sorted by user, item and time, and where each pair begins in them.

    `of_events`: where each pair at one time begins. DataError where there are no times then.
    """
    order = rows.by_time_within(rows.item)
    new = np.ones(len(order), bool)
    new[1:] = False
    for column in (
        rows.user,
        rows.item,
        *((rows.times("duplicates of events"),) if of_events else ()),
    ):
        own = column[order]
        new[1:] |= own[1:] != own[:-1]
    return order, np.flatnonzero(new)


def lasts(order: Longs, starts: Longs) -> Longs:
    """Return the last row of every pair that `repeats` found."""
    found: Longs = order[np.append(starts[1:], len(order))[: len(starts)] - 1]
    return found


def sums(rows: Interactions, order: Longs, starts: Longs) -> Doubles:
    """Return the sum of the values of every pair that `repeats` found.

    Values are float32, v (1 + d) with |d| <= 2^-24 for what was v: 0.3 - 0.1 - 0.2 leaves 7e-9.
    A sum that is not above 2^-24 times the sum of its |v| is 0; whole numbers, which are not
    rounded below 2^24, do not count in the latter.
    """
    values = rows.value[order]
    total: Doubles = np.add.reduceat(values.astype(np.float64), starts)
    if (values < 0).any():
        rounded = np.where(values == np.rint(values), 0, np.abs(values))
        doubt = np.add.reduceat(rounded.astype(np.float64), starts) * np.finfo(np.float32).epsneg
        total[np.abs(total) <= doubt] = 0
    return total
