"""`PerUserLast`: every user's newest rows are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.errors import SplitError
from cfexp.splits.invariants import check_no_future
from cfexp.splits.split import Split, Stage
from cfexp.splits.splitter import Splitter

if TYPE_CHECKING:
    from cfexp.arrays import Longs, Mask
    from cfexp.data.interactions import Interactions


class PerUserLast(Splitter):
    """A user's last `test` rows by time are test, the `validation` before them validation.

    Rows of the same time are ordered as in the input. Users with fewer than
    min_train + validation + test rows stay wholly in train.
    """

    kind: Literal["per_user_last"] = "per_user_last"
    test: Annotated[int, Field(ge=1)] = 5
    """Rows per user held out for the test."""
    validation: Annotated[int, Field(ge=0)] = 1
    """Rows per user held out for validation; 0 where nothing is searched."""
    min_train: Annotated[int, Field(ge=1)] = 5
    """Rows that a user must keep for training to be held out at all."""
    fit_for_test: Literal["train", "train+validation"] = "train+validation"
    """What models learn from, and have as history, before they are read on test."""
    novel_only: bool = False
    """Drop held-out rows whose user had the item in their history before."""

    def split(self, rows: Interactions) -> Split:
        """Divide `rows`; SplitError when no user is long enough."""
        from_end = _rows_after(rows)
        length = np.bincount(rows.user, minlength=len(rows.users))
        needed = self.min_train + self.validation + self.test
        if not (length >= needed).any():
            raise SplitError(
                f"a user needs min_train + validation + test = {self.min_train} + "
                f"{self.validation} + {self.test} = {needed} rows to be held out; of "
                f"{np.count_nonzero(length):,} users none has as many, the longest has "
                f"{length.max(initial=0)}"
            )
        held_out = (length >= needed)[rows.user] & (from_end < self.validation + self.test)
        is_test = held_out & (from_end < self.test)
        train = rows.select(~held_out)
        both = self.fit_for_test == "train+validation" and self.validation > 0
        stages = [self._stage("test", rows.select(~is_test) if both else train, rows, is_test)]
        if self.validation > 0:
            stages.insert(0, self._stage("validation", train, rows, held_out & ~is_test))
        *validation, test = stages
        return Split(
            validation=tuple(validation),
            test=test,
            rows={"train": len(train)} | {stage.name: len(stage.held_out) for stage in stages},
            settings=self.model_dump(),
        )

    def _stage(self, name: str, history: Interactions, rows: Interactions, held: Mask) -> Stage:
        if self.novel_only:
            held = held & ~_known(history, rows)
            if not held.any():
                raise SplitError(
                    f"stage {name!r}: with novel_only = true nothing is left to predict, "
                    "as every held-out row repeats a pair of the user's history"
                )
        stage = Stage(name=name, fit=history, history=history, held_out=rows.select(held))
        check_no_future(stage)
        return stage


def _rows_after(rows: Interactions) -> Longs:
    """Return for every row how many rows its user has after it."""
    order = rows.by_user_and_time
    end = np.cumsum(np.bincount(rows.user, minlength=len(rows.users)))  # where a user's rows end
    after = np.empty(len(rows), np.int64)
    after[order] = end[rows.user[order]] - 1 - np.arange(len(rows))
    return after


def _known(history: Interactions, rows: Interactions) -> Mask:
    """Return which rows hold a pair that occurs in `history`."""
    n_items = len(rows.items)
    past, pairs = (part.user.astype(np.int64) * n_items + part.item for part in (history, rows))
    return np.isin(pairs, past)
