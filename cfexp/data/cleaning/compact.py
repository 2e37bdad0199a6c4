"""Cleaned rows without the users and items that no row is left of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Longs
    from cfexp.data.interactions import Interactions


def compacted(rows: Interactions) -> Interactions:
    """Return the rows with vocabularies of what occurs, and all that is known of just that.

    Ids stay in their order, so that codes do.
    """
    user = np.flatnonzero(np.bincount(rows.user, minlength=len(rows.users)))
    item = np.flatnonzero(np.bincount(rows.item, minlength=len(rows.items)))
    if len(user) == len(rows.users) and len(item) == len(rows.items):
        return rows
    return dataclasses.replace(
        rows,
        user=_codes(user, len(rows.users))[rows.user],
        item=_codes(item, len(rows.items))[rows.item],
        users=Vocabulary(rows.users.ids[user]),
        items=Vocabulary(rows.items.ids[item]),
        titles=None if rows.titles is None else rows.titles[item],
        attributes=None if rows.attributes is None else rows.attributes.taken(user),
        item_attributes=(
            None if rows.item_attributes is None else rows.item_attributes.taken(item)
        ),
        item_features=None if rows.item_features is None else rows.item_features.taken(item),
    )


def _codes(kept: Longs, size: int) -> Codes:
    """Return the new code of every old one that is kept."""
    codes = np.full(size, -1, np.int32)
    codes[kept] = np.arange(len(kept))
    return codes
