"""`ByTime`: one moment for everybody; what comes later is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from cfexp.errors import SplitError
from cfexp.splits.invariants import check_cutoff
from cfexp.splits.moments import Cutoff, CutoffOrNone, microseconds_of, written
from cfexp.splits.splitter import Part, Splitter

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Stage


class ByTime(Splitter):
    """Rows from one moment on are test, those of a window before it validation.

    Nobody is fitted on anything that comes later than what is to be predicted, neither of
    their own rows nor of others'.
    """

    kind: Literal["by_time"] = "by_time"
    test: Cutoff = 30.0
    """Where the test begins: a date, or so many days back from the newest row."""
    validation: CutoffOrNone = 30.0
    """Where the validation before it begins: a date, or so many days back from where the
    test begins; 0 where nothing is searched."""
    folds: Annotated[int, Field(ge=1)] = 1
    """Validate so many times, on the window of `validation` days before the test and on
    those before it, each time fitted on all that is older; what is searched for is the mean."""
    new_users: Literal["drop", "count"] = "drop"
    """Users with held-out rows and none before: left out, or scored from nothing."""

    @model_validator(mode="after")
    def _folds_of_days(self) -> ByTime:
        if self.folds > 1 and not isinstance(self.validation, float):
            raise ValueError(
                f"folds = {self.folds} need validation as a number of days, not {self.validation!r}"
            )
        return self

    def parts(self, rows: Interactions) -> list[Part]:
        time = rows.times("a split by time")
        folds = self.folds if self.validation else 0
        newest = int(time.max()) if len(time) else 0
        begins = microseconds_of(self.test, newest)
        starts = [begins]
        for _ in range(folds):
            starts.insert(0, microseconds_of(self.validation, starts[0]))
        if starts != sorted(starts):
            raise SplitError(
                f"validation = {self.validation!r} must begin before the test, which begins at "
                f"{written(begins)}"
            )
        label = np.searchsorted(starts, time, side="right").astype(np.int32) - 1
        names = [f"validation, from {written(start)}" for start in starts[:-1]]
        names = ["train", *names, f"test, from {written(begins)}"]
        for place, name in reversed(list(enumerate(names, start=-1))):
            if not (label == place).any():
                oldest = written(int(time.min(initial=newest)))
                raise SplitError(
                    f"test = {self.test!r}, validation = {self.validation!r}: no row is left for "
                    f"{name}; the rows' times are {oldest} to {written(newest)}"
                )
        return self.in_order(label, folds, strangers=self.new_users)

    def check(self, stage: Stage) -> None:
        check_cutoff(stage)
