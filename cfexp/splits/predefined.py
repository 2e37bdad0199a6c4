"""`Predefined`: the data themselves say what is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.errors import DataError, SplitError
from cfexp.splits.amounts import AmountOrNone, rows_of
from cfexp.splits.splitter import Part, Splitter
from cfexp.splits.tails import tail_labels

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions


class Predefined(Splitter):
    """A column of the data (`[data.columns] part`), or separate files, say what is test.

    Files share one vocabulary: a user or an item is the same in all of them.
    """

    kind: Literal["predefined"] = "predefined"
    validation: AmountOrNone = 0
    """Where the data hold no validation rows: each user's last rows of train by time, so
    many or a share such as 0.1; one row at least stays in train."""
    new_users: Literal["drop", "count"] = "drop"
    """Users with held-out rows and none before: left out, or scored from nothing."""

    def parts(self, rows: Interactions) -> list[Part]:
        if rows.part is None:
            raise DataError(
                "these rows do not say what is train and what is test; name the column that does "
                "in [data.columns] part, or the file of the test rows in [data] test_path"
            )
        counts = np.bincount(rows.part, minlength=3)
        if not (counts[0] and counts[2]):
            raise SplitError(
                "a predefined split needs rows of train and of test; these are train "
                f"{counts[0]:,}, validation {counts[1]:,}, test {counts[2]:,}"
            )
        if counts[1] and self.validation:
            raise SplitError(
                f"validation = {self.validation}, but the data hold {counts[1]:,} validation rows "
                "of their own; leave it out"
            )
        folds = 1 if counts[1] or self.validation else 0
        label = np.array([-1, 0, folds])[rows.part]
        if self.validation:
            train = np.flatnonzero(label < 0)
            chosen = rows.select(train)
            label[train] = tail_labels(  # -1, and 0 for the last rows
                chosen,
                chosen.by_user_and_time,
                test=rows_of(self.validation, chosen.user_lengths),
                validation=0,
                folds=0,
            )
        return self.in_order(label.astype(np.int32), folds, strangers=self.new_users)
