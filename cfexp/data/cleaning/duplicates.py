"""`duplicates`: several rows of one pair, or of one event, become one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.data.cleaning.rule import Rule
from cfexp.data.rows.repeats import lasts, repeats, sums

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
        order, starts = repeats(rows, of_events=self.of == "event")
        chosen = order[starts] if self.keep == "first" else lasts(order, starts)
        stays = np.zeros(len(rows), bool)  # so that kept rows are in the order of the input
        stays[chosen] = True
        kept = rows.select(stays)
        if self.keep == "sum":
            total = np.empty(len(rows), np.float32)
            total[chosen] = sums(rows, order, starts)
            kept = dataclasses.replace(kept, value=total[stays])
        what = "user and item" if self.of == "pair" else "user, item and time"
        how = {"sum": "values summed", "last": "the last kept", "first": "the first kept"}
        return kept, f"duplicates of one {what}, {how[self.keep]}"
