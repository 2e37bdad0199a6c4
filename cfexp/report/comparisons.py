"""The winner against all that it must beat, on test, by the first objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis.significance import Difference, corrected, paired_differences
from cfexp.analysis.worst import measured_by
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.vectors import averaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import AnyArray
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

Comparison = tuple["Row", Difference | None]


def comparisons(study: StudyRecord, rows: list[Row]) -> list[Comparison]:
    """Return how the winner differs from every baseline, the default and the runner-up.

    `rows` are the leaderboard's. Differences are paired by user, after averaging each
    user over the seeds; p-values are corrected over all of them. There is none where
    fewer than two users have both values. A row without per-user values is left out.
    """
    best, objective = board.winner(rows), measured_by(study.objectives[0])
    if best is None or not Metric.parse(objective).per_user:
        return []
    ours = averaged(study, best.runs, "test")
    second = board.runner_up(study, rows)
    rivals = [row for row in rows if row.role == "baseline" or row is second]
    theirs = [averaged(study, row.runs, "test") for row in rivals]
    known = [(row, one) for row, one in zip(rivals, theirs, strict=True) if one is not None]
    if ours is None:
        return []
    found = against(ours, [one for _, one in known], objective)
    return [(row, one) for (row, _), one in zip(known, found, strict=True)]


def against(ours: Evaluation, theirs: Sequence[Evaluation], metric: str) -> list[Difference | None]:
    """Return the family of paired comparisons of one evaluation with others, corrected."""
    found: list[Difference | None] = [None] * len(theirs)
    alike: dict[bytes, list[tuple[int, AnyArray, AnyArray]]] = {}
    for place, other in enumerate(theirs):
        _, first, second = np.intersect1d(
            ours.users, other.users, assume_unique=True, return_indices=True
        )
        if len(first) > 1:
            alike.setdefault(first.tobytes(), []).append((place, first, second))
    for group in alike.values():
        others = [theirs[place].contributions(metric, second) for place, _, second in group]
        differences = paired_differences(ours.contributions(metric, group[0][1]), others)
        for (place, *_), difference in zip(group, differences, strict=True):
            found[place] = difference
    return corrected(found)
