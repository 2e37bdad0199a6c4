"""`StageUsers`: what a stage holds of some users, taken out once and read at every epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.positives import Positives

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Longs, Matrix
    from cfexp.splits.stage_data import StageData


@dataclass(frozen=True, eq=False)
class StageUsers:
    """The rows of the stage's matrices for `users`, in their order.

    Each is made when it is first asked for; of all users it is the stage's own, no copy.
    """

    stage: StageData
    users: Codes

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def history(self) -> Positives:
        """The positives that a scorer is given."""
        return self.stage.history[self.users]

    @cached_property
    def seen(self) -> Matrix:
        """Ones at every pair of the history, positive or not."""
        return Positives(self.stage.seen)[self.users].matrix

    @cached_property
    def relevant(self) -> Matrix:
        """Ones at the held-out positives."""
        return Positives(self.stage.relevant)[self.users].matrix

    @cached_property
    def activity(self) -> dict[str, Longs]:
        """How long each user's history is: all of its pairs, and its positives."""
        starts = {
            "train_interactions": self.stage.seen.indptr,
            "train_positives": self.stage.history.indptr,
        }
        return {name: np.diff(one).astype(np.int64)[self.users] for name, one in starts.items()}
