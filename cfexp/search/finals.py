"""Who goes to the finals, and who wins them: decided on validation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.metrics.metric import Metric
    from cfexp.search.record import RunRecord, StudyRecord


def best_trials(study: StudyRecord, metric: Metric, count: int) -> list[RunRecord]:
    """Return the `count` best completed trials, the best first, no configuration twice."""
    trials = [run for run in study.of_role("trial") if run.state == "complete"]
    trials.sort(key=lambda run: _loss(metric, run.metrics[f"val/{metric}"]))
    distinct: list[RunRecord] = []
    for run in trials:
        if all(run.model != other.model for other in distinct):
            distinct.append(run)
    return distinct[:count]


def best_final(study: StudyRecord, metric: Metric, numbers: Sequence[int]) -> int:
    """Return the trial among `numbers` with the best validation mean over its seeds."""
    finals = study.of_role("final")

    def mean_loss(number: int) -> float:
        own = [run for run in finals if run.number == number and run.state == "complete"]
        values = [_loss(metric, run.metrics[f"val/{metric}"]) for run in own]
        return float(np.mean(values)) if values else float("inf")

    return min(numbers, key=mean_loss)


def _loss(metric: Metric, value: float) -> float:
    return -value if metric.direction == "maximize" else value
