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
    pair = rows.user.astype(np.int64) * items + rows.item
    pair.sort()
    user, item = np.divmod(pair[np.append(True, pair[1:] != pair[:-1])[: len(pair)]], max(items, 1))
    del pair
    while True:
        users_stay = np.bincount(user, minlength=users) >= min_user
        items_stay = np.bincount(item, minlength=items) >= min_item
        enough = users_stay[user] & items_stay[item]
        if enough.all():
            break
        user, item = user[enough], item[enough]
    if not len(user):
        raise SplitError(
            f"min_user = {min_user}, min_item = {min_item}: no rows remain of {len(rows):,}, as "
            "every user needs so many different items and every item so many different users; "
            "lower one of them"
        )
    # what is left holds every row of its users and items
    kept: Mask = users_stay[rows.user] & items_stay[rows.item]
    return kept
