"""Who goes to the finals, and who wins them: decided on validation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.search.store.standing import loss_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfexp.search.store.record import RunRecord, StudyRecord


def best_trials(study: StudyRecord, count: int) -> list[RunRecord]:
    """Return the `count` best completed trials, and the best of every model beyond them.

    The best first, no configuration twice.
    """
    trials = [run for run in study.of_role("trial") if run.state == "complete"]
    trials.sort(key=lambda run: loss_of(study, run))
    distinct: list[RunRecord] = []
    for run in trials:
        if all((run.model, run.mask) != (other.model, other.mask) for other in distinct):
            distinct.append(run)
    finalists = distinct[:count]
    for run in distinct[count:]:
        if all(run.entry != other.entry for other in finalists):
            finalists.append(run)
    return finalists


def best_final(study: StudyRecord, finalists: Mapping[int, Sequence[str]]) -> int | None:
    """Return the finalist with the best validation mean over its seeds.

    `finalists` maps trial numbers to the keys of their runs. One that lacks a seed (a
    run failed) cannot win; None when none can.
    """
    runs = {run.key: run for run in study.of_role("final") if run.state == "complete"}
    losses = {
        number: float(np.mean([loss_of(study, runs[key]) for key in keys]))
        for number, keys in finalists.items()
        if all(key in runs for key in keys)
    }
    return min(losses, key=lambda number: losses[number]) if losses else None
