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
    """Return the sum of the values of every pair that `repeats` found."""
    total: Doubles = np.add.reduceat(rows.value[order].astype(np.float64), starts)
    return total
