"""Rows that came in an order which means nothing, such as a database's: put in one that does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import AnyArray, Longs
    from cfexp.data.interactions import Interactions


def in_order(rows: Interactions) -> Interactions:
    """Return the rows by time, user, item, value and part, so that the same come in one order."""
    pair = rows.user.astype(np.int64) * len(rows.items) + rows.item
    keys = [rows.part, rows.value, pair, rows.time]
    order = lexsorted([key for key in keys if key is not None])
    return dataclasses.replace(rows.select(order), row=np.arange(len(rows)))


def lexsorted(keys: Sequence[AnyArray]) -> Longs:
    """Return what `np.lexsort` does, in a third of the time where the last key has few ties."""
    last = keys[-1]
    order = np.argsort(last, kind="stable")
    same = np.diff(last[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if 2 * len(tied) > len(order):
        return np.lexsort(keys)
    own = order[tied]
    order[tied] = own[np.lexsort([key[own] for key in keys])]
    return order
