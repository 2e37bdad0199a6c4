"""The last rows of every user, in some order, labelled with the stage they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import SplitError

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Longs, Mask
    from cfexp.data.interactions import Interactions


def canonical_order(rows: Interactions) -> Longs:
    """Return row positions sorted by user, time and item: not by where the rows stand."""
    known = () if rows.time is None else (rows.time,)
    return rows.order_by(rows.item, *known)


def random_order(
    rows: Interactions, canonical: Longs, seed: int, first: Mask | None = None
) -> Longs:
    """Return row positions sorted by user, each user's rows at random, `first` before others.

    Chances are given out in the `canonical` order, so that the order of the input is nothing.
    """
    chance = np.empty(len(rows))
    chance[canonical] = np.random.default_rng(seed).random(len(rows))
    later = np.ones(len(rows), bool) if first is None else ~first
    return np.lexsort((chance, later, rows.user))


def nothing_held_out(
    rows: Interactions, *, test: float, validation: float, min_train: int
) -> SplitError:
    """Return the error that these settings hold out no row."""
    length = rows.user_lengths
    return SplitError(
        f"test = {test}, validation = {validation} and min_train = {min_train} hold out no row of "
        f"{len(length):,} users, the longest of whom has {length.max(initial=0)} rows"
    )


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
    length = rows.user_lengths
    test, validation = (np.broadcast_to(size, length.shape) for size in (test, validation))
    enough = length - test - folds * validation >= min_train
    own_test, own_validation = (np.where(enough, size, 0)[rows.user] for size in (test, validation))
    before_test = rows.rows_after(order) - own_test  # negative for test rows
    fold = folds - 1 - before_test // np.maximum(own_validation, 1)
    label = np.where(before_test < folds * own_validation, fold, -1)
    return np.where(before_test < 0, folds, label).astype(np.int32)
