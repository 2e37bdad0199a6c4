"""`duplicates`: several rows of one pair, or of one event, become one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.data.cleaning.rule import Rule

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions


class Duplicates(Rule):
    """Merge the rows of one user and item, before the split and over all time.

    `[feedback] duplicates` merges what is left within each part of the split, which is right
    where repeats are events of their own; this one is for what should have been one row.
    """

    kind: Literal["duplicates"] = "duplicates"
    keep: Literal["last", "first", "sum"] = "last"
    """Which row stays, in time; with "sum" the last one, with the sum of the values."""
    of: Literal["pair", "event"] = "pair"
    """What must be equal: user and item, or also the time."""

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        order = rows.by_time_within(rows.item)
        user, item = rows.user[order], rows.item[order]
        new = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
        if self.of == "event":
            time = rows.times("duplicates of events")[order]
            new |= time[1:] != time[:-1]
        first = np.append(True, new)
        last = np.append(new, True)
        # kept rows stay in the order of the input
        chosen = np.sort(order[first if self.keep == "first" else last])
        kept = rows.select(chosen)
        if self.keep == "sum":
            total = np.empty(len(rows))
            total[order[last]] = np.add.reduceat(
                rows.value[order].astype(np.float64), np.flatnonzero(first)
            )
            kept = dataclasses.replace(kept, value=total[chosen].astype(np.float32))
        what = "user and item" if self.of == "pair" else "user, item and time"
        how = {"sum": "values summed", "last": "the last kept", "first": "the first kept"}
        return kept, f"duplicates of one {what}, {how[self.keep]}"
