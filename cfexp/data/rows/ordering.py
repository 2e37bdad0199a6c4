"""Sorting rows within the groups of a code: a counting sort, then each group on its own.

Groups are short and lie together, so that millions of rows are sorted within the nearest
caches and by all cores. The result is that of `np.lexsort((*keys, codes))`.
"""

# ruff: noqa: ANN401 - compiled functions: what types they take is Numba's affair

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from cfexp.arrays import frozen
from cfexp.parallel import each_block

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Longs

_GROUPS = 1024  # sorted by one thread at a time


def sorted_within(codes: Codes, keys: tuple[AnyArray, ...], counts: Longs) -> Longs:
    """Return positions sorted by `codes`, then by integer `keys`, the last first, then position.

    `counts` says how often each code occurs.
    """
    ends = np.cumsum(counts)
    order = np.empty(len(codes), np.int64)
    _gather(frozen(codes), ends - counts, order)
    for key in keys:
        values = frozen(key.astype(np.int64, copy=False))

        def sort(block: slice, values: AnyArray = values) -> None:
            _sort(order, values, ends[block] - counts[block], ends[block])

        each_block(len(counts), _GROUPS, sort)
    return order


@njit(nogil=True, cache=True)
def _gather(codes: Any, places: Any, order: Any) -> None:
    """Write the positions of each code together; `places` is where each one's begin."""
    for position in range(len(codes)):
        code = codes[position]
        order[places[code]] = position
        places[code] += 1


@njit(nogil=True, cache=True)
def _sort(order: Any, key: Any, starts: Any, ends: Any) -> None:
    """Sort each stretch of `order` by `key`, equal ones as they stand."""
    for start, end in zip(starts, ends):  # noqa: B905 - Numba knows no strict
        own = order[start:end]
        values = key[own]
        for place in range(1, len(values)):
            if values[place] < values[place - 1]:
                order[start:end] = own[np.argsort(values, kind="mergesort")]
                break
