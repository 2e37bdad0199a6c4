"""`PerUserFraction`: the newest share of every user's rows is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from cfexp.splits.amounts import rows_of
from cfexp.splits.invariants import check_no_future
from cfexp.splits.splitter import Part, Splitter
from cfexp.splits.tails import nothing_held_out, tail_labels

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Stage


class PerUserFraction(Splitter):
    """The last share of a user's rows by time is test, the share before it validation.

    Shares are of the user's rows, rounded to whole rows, halves up. Rows of the same time
    are ordered as in the input. Users of whom fewer than `min_train` rows would remain stay
    wholly in train.
    """

    kind: Literal["per_user_fraction"] = "per_user_fraction"
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of a user's rows held out for the test."""
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of a user's rows held out for validation; 0 where nothing is searched."""
    folds: Annotated[int, Field(ge=1)] = 1
    """Validate so many times, on the share before the test and on those before it, each
    time fitted on all that is older; what is searched for is the mean."""
    min_train: Annotated[int, Field(ge=1)] = 1
    """Rows that a user must keep for training to be held out at all."""

    def parts(self, rows: Interactions) -> list[Part]:
        order, folds = rows.by_user_and_time, self.folds if self.validation else 0
        length = rows.user_lengths
        label = tail_labels(
            rows,
            order,
            test=rows_of(self.test, length),
            validation=rows_of(self.validation, length),
            folds=folds,
            min_train=self.min_train,
        )
        if not (label == folds).any():
            raise nothing_held_out(
                rows, test=self.test, validation=self.validation, min_train=self.min_train
            )
        return self.in_order(label, folds)

    def check(self, stage: Stage) -> None:
        check_no_future(stage)
