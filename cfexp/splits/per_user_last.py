"""`PerUserLast`: every user's newest rows are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from cfexp.errors import SplitError
from cfexp.splits.invariants import check_no_future
from cfexp.splits.splitter import Part, Splitter
from cfexp.splits.tails import tail_labels

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Stage


class PerUserLast(Splitter):
    """A user's last `test` rows by time are test, the `validation` before them validation.

    Rows of the same time are ordered as in the input. Users with fewer than
    min_train + folds x validation + test rows stay wholly in train.
    """

    kind: Literal["per_user_last"] = "per_user_last"
    test: Annotated[int, Field(ge=1)] = 5
    """Rows per user held out for the test."""
    validation: Annotated[int, Field(ge=0)] = 1
    """Rows per user held out for validation; 0 where nothing is searched."""
    folds: Annotated[int, Field(ge=1)] = 1
    """Validate so many times, on the `validation` rows before the test and on those before
    them, each time fitted on all that is older; what is searched for is the mean."""
    min_train: Annotated[int, Field(ge=1)] = 5
    """Rows that a user must keep for training to be held out at all."""

    def parts(self, rows: Interactions) -> list[Part]:
        order, folds = rows.by_user_and_time, self.folds if self.validation else 0
        length, needed = rows.user_lengths, self.min_train + folds * self.validation + self.test
        if not (length >= needed).any():
            times, factor = ("folds x ", f"{folds} x ") if folds > 1 else ("", "")
            raise SplitError(
                f"a user needs min_train + {times}validation + test = {self.min_train} + "
                f"{factor}{self.validation} + {self.test} = {needed} rows to be held out; of "
                f"{len(length):,} users none has as many, the longest has {length.max(initial=0)}"
            )
        label = tail_labels(
            rows,
            order,
            test=self.test,
            validation=self.validation,
            folds=folds,
            min_train=self.min_train,
        )
        return self.in_order(label, folds)

    def check(self, stage: Stage) -> None:
        check_no_future(stage)
