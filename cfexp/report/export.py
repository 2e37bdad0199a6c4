"""A study's tables as files for other programs: every number that the study left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from cfexp.report.buckets import bucket_frame, bucket_lines
from cfexp.report.cleaning import cleaning_frame
from cfexp.report.per_user import per_user_frame
from cfexp.report.tables import leaderboard_frame
from cfexp.report.verdict import comparison_frame

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from cfexp.search.store.record import StudyRecord

Format = Literal["parquet", "csv"]


def frames(study: StudyRecord) -> dict[str, pd.DataFrame]:
    """Return the study's tables by name; one that has no rows yet is empty.

    `leaderboard`, one row per configuration read on test; `comparisons`, the winner against
    the others; `buckets`, one row per configuration, stage and group of users or items;
    `cleaning`, one row per rule with what it dropped and left;
    `trials`, one row each with its parameters and values; `per_user`, one row per run, stage
    and user.
    """
    return {
        "leaderboard": leaderboard_frame(study),
        "comparisons": comparison_frame(study),
        "buckets": bucket_frame(bucket_lines(study)),
        "cleaning": cleaning_frame(study),
        "trials": trial_frame(study),
        "per_user": per_user_frame(study),
    }


def trial_frame(study: StudyRecord) -> pd.DataFrame:
    """Return one row per trial that has ended: parameters, values, times, what failed."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "trial": run.number,
                "model": run.label,
                "entry": run.entry,
                "state": run.state,
                "mask": run.mask,
                "seed": run.seed,
                "best_epoch": run.best_epoch,
                **run.metrics,
                "fit_seconds": run.seconds.get("fit"),
                "score_seconds": run.seconds.get("score"),
                "started": pd.Timestamp(run.started, unit="ms", tz="UTC"),
                "ended": pd.Timestamp(run.ended, unit="ms", tz="UTC"),
                "reason": run.reason,
                **{f"param/{name}": value for name, value in run.model.items()},
            }
            for run in study.of_role("trial")
        ]
    )


def write_frame(frame: pd.DataFrame, path: Path, form: Format) -> None:
    """Write a table; in Parquet, a column of numbers and words becomes one of words."""
    if form == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.apply(_of_one_type).to_parquet(path, index=False)


def _of_one_type(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype != object or len({type(one) for one in column.dropna()}) <= 1:
        return column
    return column.map(lambda one: one if isinstance(one, str) else json.dumps(one), "ignore")
