"""Per-user metrics of the runs of a study, read back from its folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from cfexp.data.side_information.attributes import Attributes
from cfexp.metrics.averages import average
from cfexp.metrics.evaluation import Evaluation
from cfexp.search.store.record import vectors_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Doubles
    from cfexp.search.store.record import RunRecord, StudyRecord

StageName: TypeAlias = Literal["val", "test"]
STAGES: dict[StageName, str] = {"val": "validation", "test": "test"}


def vectors_of(study: StudyRecord, run: RunRecord, stage: StageName) -> Evaluation | None:
    """Return a run's per-user metrics, or None where they were not kept."""
    if run.vectors is None:
        return None
    path = Path(study.folder, vectors_file(run.vectors, stage))
    return Evaluation.load(path) if path.is_file() else None


def averaged(study: StudyRecord, runs: Sequence[RunRecord], stage: StageName) -> Evaluation | None:
    """Return per-user metrics averaged over runs of one configuration, or None."""
    names = [vectors_file(run.vectors, stage) for run in runs if run.vectors]
    paths = [Path(study.folder, name) for name in names]
    files = tuple((path, path.stat().st_mtime_ns) for path in paths if path.is_file())
    return _averaged(files) if files else None


@lru_cache(maxsize=32)
def _averaged(files: tuple[tuple[Path, int], ...]) -> Evaluation:
    """Several parts of a report ask for the same; a file that was written again is another."""
    return average([Evaluation.load(path) for path, _ in files])


def attributes_of(study: StudyRecord) -> Attributes | None:
    """Return what is known of the study's users, or None where nothing is."""
    path = Path(study.folder, "users.npz")
    return Attributes.load(path) if path.is_file() else None


def terms(evaluation: Evaluation, metric: str) -> tuple[Doubles, Doubles]:
    """Return numerators and denominators whose ratio of sums is the metric.

    For a mean over users these are the users' values and ones.
    """
    if metric in evaluation.pooled:
        return evaluation.numerators[metric], evaluation.denominators[metric]
    values = evaluation.values(metric)
    return values, np.ones_like(values)
