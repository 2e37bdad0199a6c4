"""Per-user metrics of the runs of a study, read back from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from cfexp.metrics.evaluation import Evaluation, average

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import AnyArray, Doubles
    from cfexp.search.record import RunRecord, StudyRecord

StageName: TypeAlias = Literal["val", "test"]
STAGES: dict[StageName, str] = {"val": "validation", "test": "test"}


def vectors_of(study: StudyRecord, run: RunRecord, stage: StageName) -> Evaluation | None:
    """Return a run's per-user metrics, or None where they were not kept."""
    if run.vectors is None:
        return None
    path = Path(study.folder, f"{run.vectors}-{stage}.npz")
    return Evaluation.load(path) if path.is_file() else None


def averaged(study: StudyRecord, runs: Sequence[RunRecord], stage: StageName) -> Evaluation | None:
    """Return per-user metrics averaged over runs of one configuration, or None."""
    kept = [found for run in runs if (found := vectors_of(study, run, stage)) is not None]
    return average(kept) if kept else None


def terms(evaluation: Evaluation, metric: str) -> tuple[Doubles, Doubles]:
    """Return numerators and denominators whose ratio of sums is the metric.

    For a mean over users these are the users' values and ones.
    """
    if metric in getattr(evaluation, "pooled", ()):
        return evaluation.numerators[metric], evaluation.denominators[metric]
    values = evaluation.values(metric)
    return values, np.ones_like(values)


def per_user(evaluation: Evaluation, metric: str, rows: AnyArray | slice = slice(None)) -> Doubles:
    """Return one number per user, of those at `rows`, whose mean is the metric over them.

    For a ratio of sums, p = sum n / sum d, that is p + (n_u - p d_u) / mean(d), whose
    standard error is the ratio's to first order (Cochran 1977, section 6.4).
    """
    numerators, denominators = (part[rows] for part in terms(evaluation, metric))
    ratio = numerators.sum() / denominators.sum()
    values: Doubles = ratio + (numerators - ratio * denominators) / denominators.mean()
    return values
