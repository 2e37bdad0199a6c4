"""Which rows a split starts from: a window in time, then a core of users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import SplitError
from cfexp.splits.moments import microseconds_of, written

if TYPE_CHECKING:
    from cfexp.arrays import Mask
    from cfexp.data.interactions import Interactions


def in_window(rows: Interactions, since: float | str | None, until: str | None) -> Mask:
    """Return which rows lie in since <= time < until; days count back from the newest left.

    Raises
    ------
    DataError
        When the rows have no times.
    SplitError
        When no row lies there.
    """
    time = rows.times("a window in time (since, until)")
    inside = np.ones(len(rows), bool)
    if until is not None:
        inside &= time < microseconds_of(until, 0)
    if since is not None and inside.any():
        inside &= time >= microseconds_of(since, int(time[inside].max()))
    if not inside.any():
        span = f"{written(int(time.min()))} to {written(int(time.max()))}" if len(time) else "none"
        raise SplitError(
            f"no row lies in the window since = {since!r}, until = {until!r} "
            f"(since <= time < until); the rows' times are {span}"
        )
    return inside


def core(rows: Interactions, min_user: int, min_item: int) -> Mask:
    """Return the rows of the largest set in which users and items have enough of each other.

    Every user there has at least `min_user` different items, every item at least
    `min_item` different users (the k-core of the bipartite graph): those with fewer are
    dropped until none is left. All rows are looked at, held out later or not.

    Raises
    ------
    SplitError
        When nothing remains.
    """
    users, items = rows.shape
    pair, of_row = np.unique(rows.user.astype(np.int64) * items + rows.item, return_inverse=True)
    user, item = np.divmod(pair, max(items, 1))
    alive = np.ones(len(pair), bool)
    while True:
        enough = (np.bincount(user[alive], minlength=users) >= min_user)[user]
        enough &= (np.bincount(item[alive], minlength=items) >= min_item)[item]
        if (enough >= alive).all():
            break
        alive &= enough
    if not alive.any():
        raise SplitError(
            f"min_user = {min_user}, min_item = {min_item}: no rows remain of {len(rows):,}, as "
            "every user needs so many different items and every item so many different users; "
            "lower one of them"
        )
    kept: Mask = alive[of_row]
    return kept
