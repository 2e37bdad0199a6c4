"""What must hold between the stages of a split, checked when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import SplitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.splits.split import Stage

_LAST = np.iinfo(np.int64).max


def check_no_future(stage: Stage) -> None:
    """Raise SplitError when a user's history has a row that comes after a held-out one.

    Rows are ordered by time, then by input order. Splits that do not go by time do not
    promise this.
    """
    held, past = stage.held_out, stage.history
    if held.time is None or past.time is None:
        raise SplitError(f"stage {stage.name!r}: order in time cannot be checked without times")
    first = np.full(len(held.users), _LAST)
    np.minimum.at(first, held.user, held.time)
    ties = held.time == first[held.user]
    first_row = np.full(len(held.users), _LAST)
    np.minimum.at(first_row, held.user[ties], held.row[ties])
    start = first[past.user]
    late = (past.time > start) | ((past.time == start) & (past.row > first_row[past.user]))
    if late.any():
        users = np.unique(past.user[late])
        raise SplitError(
            f"stage {stage.name!r}: the history of {len(users)} users reaches beyond what is "
            f"to be predicted, the first is user {past.users.ids[users[0]]}"
        )


def check_cutoff(stage: Stage) -> None:
    """Raise SplitError unless every held-out row comes after all that is fitted or history."""
    if stage.held_out.time is None:
        raise SplitError(f"stage {stage.name!r}: order in time cannot be checked without times")
    begins = stage.held_out.time.min()
    for part, rows in stage.past().items():
        late = 0 if rows.time is None else int(np.count_nonzero(rows.time >= begins))
        if late:
            raise SplitError(
                f"stage {stage.name!r}: {late:,} rows of its {part} are not older than the "
                "first row to be predicted"
            )


def check_unseen(stage: Stage) -> None:
    """Raise SplitError when a model is fitted on rows of a user who is held out."""
    held_out = stage.held_out.user_lengths > 0
    fitted = np.flatnonzero(held_out & (stage.fit.user_lengths > 0))
    if len(fitted):
        raise SplitError(
            f"stage {stage.name!r}: {len(fitted)} held-out users have rows that are fitted, the "
            f"first is user {stage.fit.users.ids[fitted[0]]}"
        )


def check_stages(validation: Sequence[Stage], test: Stage) -> None:
    """Raise SplitError unless stages have distinct names and ids, and test rows stay unread."""
    stages = [*validation, test]
    names = [stage.name for stage in stages]
    if len(set(names)) != len(names):
        raise SplitError(f"stages must have distinct names, not {names}")
    for stage in stages:
        for rows in (stage.fit, stage.history, stage.held_out):
            if rows.users is not test.fit.users or rows.items is not test.fit.items:
                raise SplitError(f"stage {stage.name!r} has other users or items than the test")
    for stage in validation:
        for part, rows in stage.past().items():
            count = np.isin(test.held_out.row, rows.row).sum()
            if count:
                raise SplitError(
                    f"stage {stage.name!r}: {count} test rows are in its {part}: the test set "
                    "may not be read during validation"
                )
