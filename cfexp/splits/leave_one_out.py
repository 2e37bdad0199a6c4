"""`LeaveOneOut`: every user's newest row is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from cfexp.splits.invariants import check_no_future
from cfexp.splits.per_user_last import PerUserLast
from cfexp.splits.splitter import Part, Splitter

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Stage


class LeaveOneOut(Splitter):
    """A user's last row by time is test, the one before it validation.

    Rows of the same time are ordered as in the input. Users with fewer than
    min_train + validation + 1 rows stay wholly in train.
    """

    kind: Literal["leave_one_out"] = "leave_one_out"
    validation: Annotated[int, Field(ge=0, le=1)] = 1
    """1: the row before the last is held out for validation; 0: none is."""
    min_train: Annotated[int, Field(ge=1)] = 1
    """Rows that a user must keep for training to be held out at all."""

    def parts(self, rows: Interactions) -> list[Part]:
        last = PerUserLast(
            test=1,
            validation=self.validation,
            min_train=self.min_train,
            fit_for_test=self.fit_for_test,
        )
        return last.parts(rows)

    def check(self, stage: Stage) -> None:
        check_no_future(stage)
