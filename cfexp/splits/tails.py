"""The last rows of every user, in some order, labelled with the stage they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Longs, Mask
    from cfexp.data.interactions import Interactions


def rows_after(rows: Interactions, order: Longs) -> Longs:
    """Return for every row how many rows its user has after it in `order`.

    `order` are row positions sorted by user and then by anything.
    """
    end = np.cumsum(np.bincount(rows.user, minlength=len(rows.users)))  # where a user's rows end
    after = np.empty(len(rows), np.int64)
    after[order] = end[rows.user[order]] - 1 - np.arange(len(rows))
    return after


def random_order(rows: Interactions, seed: int, first: Mask | None = None) -> Longs:
    """Return row positions sorted by user, each user's rows at random, `first` before others.

    The order depends on the rows' users, items and times, not on where they stand.
    """
    known = () if rows.time is None else (rows.time,)
    canonical = rows.order_by(rows.item, *known, rows.user)
    chance = np.empty(len(rows))
    chance[canonical] = np.random.default_rng(seed).random(len(rows))
    later = np.ones(len(rows), bool) if first is None else ~first
    return np.lexsort((chance, later, rows.user))


def lengths(rows: Interactions) -> Longs:
    """Return the number of rows of every user."""
    return np.bincount(rows.user, minlength=len(rows.users))


def tail_labels(
    rows: Interactions,
    order: Longs,
    *,
    test: Longs | int,
    validation: Longs | int,
    folds: int = 1,
    min_train: int = 1,
) -> Codes:
    """Return a label per row: -1 train, 0 to folds - 1 validation, folds test.

    In `order`, a user's last `test` rows (one number per user, or one for all) are test,
    the `validation` before them the last fold, and so on back. Users of whom fewer than
    `min_train` rows would remain stay wholly in train.
    """
    length = lengths(rows)
    test, validation = (np.broadcast_to(size, length.shape) for size in (test, validation))
    enough = length - test - folds * validation >= min_train
    own_test, own_validation = (np.where(enough, size, 0)[rows.user] for size in (test, validation))
    before_test = rows_after(rows, order) - own_test  # negative for test rows
    fold = folds - 1 - before_test // np.maximum(own_validation, 1)
    label = np.where(before_test < folds * own_validation, fold, -1)
    return np.where(before_test < 0, folds, label).astype(np.int32)
