"""95% intervals over users of every mean that is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis.intervals import Interval, bootstrap
from cfexp.report.vectors import STAGES, averaged, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Doubles
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord


def intervals(study: StudyRecord, rows: Sequence[Row]) -> list[dict[str, Interval]]:
    """Return for every row its intervals, keyed like its metrics (`test/ndcg@10`).

    There is none without per-user values, or where these are not all of what a metric
    was averaged over.
    """
    places = [(row, stage) for stage in STAGES for row in range(len(rows))]
    known = interval_table([averaged(study, rows[row].runs, stage) for row, stage in places])
    found: list[dict[str, Interval]] = [{} for _ in rows]
    for (row, stage), around in zip(places, known, strict=True):
        for metric, interval in around.items():
            mean = rows[row].metrics.get(f"{stage}/{metric}")
            if mean is not None and np.isclose(mean, interval.estimate, rtol=1e-6, atol=1e-12):
                found[row][f"{stage}/{metric}"] = interval
    return found


def interval_table(
    evaluations: Sequence[Evaluation | None], only: str | None = None
) -> list[dict[str, Interval]]:
    """Return for every evaluation the interval of each metric that has values per user.

    `only` is the one metric that is wanted. Evaluations of as many users share their
    resamples.
    """
    columns: dict[int, list[tuple[int, str, Doubles, Doubles]]] = {}
    for place, evaluation in enumerate(evaluations):
        if evaluation is not None and len(evaluation) > 1:
            columns.setdefault(len(evaluation), []).extend(
                (place, metric, *terms(evaluation, metric))
                for metric in ([only] if only else evaluation.numerators)
            )
    found: list[dict[str, Interval]] = [{} for _ in evaluations]
    for group in columns.values():
        above = np.stack([numerator for *_, numerator, _ in group], axis=1)
        below = np.stack([denominator for *_, denominator in group], axis=1)
        for (place, metric, *_), one in zip(group, bootstrap(above, below), strict=True):
            found[place][metric] = one
    return found
