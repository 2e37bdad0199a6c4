"""Per-user metrics of every run, with the ids that the data came with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.arrays import load_arrays
from cfexp.report.vectors import STAGES, vectors_of

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.search.store.record import StudyRecord


def per_user_frame(study: StudyRecord) -> pd.DataFrame:
    """Return one row per run, stage and user: `user`, `stage`, `run`, `label`, the metrics.

    `user` is the original id; `run` is the run's key, which is distinct within a study,
    and `label` its name for people.
    The table is empty where nothing was kept user by user.
    """
    import pandas as pd

    from cfexp.errors import DataError

    vocabulary = Path(study.folder, "vocabulary.npz")
    if not vocabulary.is_file():
        return pd.DataFrame()
    ids = load_arrays(vocabulary).get("users")
    if ids is None:
        raise DataError(f"{vocabulary} is no vocabulary: it holds no users")
    frames = []
    for run in study.runs:
        for stage in STAGES:
            evaluation = vectors_of(study, run, stage)
            if evaluation is not None:
                columns = {metric: evaluation.values(metric) for metric in evaluation.numerators}
                users = ids[evaluation.users]
                named = {"user": users, "stage": STAGES[stage], "run": run.key, "label": run.label}
                frames.append(pd.DataFrame(named | columns))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
