"""`bench tracking`: one study with MLflow and without, in turn, and what the difference is.

Both must find the same: tracking that changed a trial would be worse than slow tracking.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cfexp.bench.child import measure, run
from cfexp.bench.study import study_text
from cfexp.errors import BenchmarkError
from cfexp.studies import open_study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cfexp.search.store.record import StudyRecord

Sample = dict[str, float]
_CLOCKED = {"started", "ended", "seconds", "peak_memory"}
"""What of a run may differ between two studies that found the same."""


@dataclass(frozen=True)
class TrackingRow:
    """One number of trials; seconds are medians over the repeats, `extra` of the pairs."""

    trials: int
    seconds_without: float
    seconds: float
    extra: float
    """Seconds that tracking adds to the wall clock, from the process's start to its end."""
    share: float
    """`extra` by `seconds`."""
    cpu_extra: float
    """Seconds that tracking adds to user and system time, of all processes."""
    optuna_per_trial: float
    optuna_delay_per_trial: float
    """What of it workers waited for; the rest is written while they compute."""
    report: float
    """Seconds to write the report, without tracking."""
    waiting: float
    """Seconds that MLflow goes on after the report is written."""
    model: float
    """Seconds to upload the model, within `waiting` or before."""
    samples: list[dict[str, Sample]]


@dataclass(frozen=True)
class Cost:
    """What tracking costs: `fixed` seconds a study, and `per_trial` seconds, by least squares."""

    fixed: float
    per_trial: float


def tracking(
    trials: Sequence[int],
    *,
    nnz: int | None,
    threads: int,
    repeats: int,
    seed: int,
    say: Callable[[str], None],
) -> list[TrackingRow]:
    """Run the study of every length with tracking on and off, in fresh processes and homes.

    Raises
    ------
    BenchmarkError
        When the two found different things.
    """
    measure("compile", {})  # once for ever, so not the study's time
    samples: dict[int, list[dict[str, Sample]]] = {n: [] for n in trials}
    for repeat in range(repeats):
        for n, taken in samples.items():
            text = study_text(nnz=nnz, trials=n, seed=seed)
            pair: dict[str, Sample] = {}
            found: list[list[dict[str, Any]]] = []
            for track in (True, False) if repeat % 2 else (False, True):
                mode = "on" if track else "off"
                say(f"{n} trials, tracking {mode}, {repeat + 1} of {repeats}")
                with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as folder:
                    pair[mode] = _sample(Path(folder), text, threads, track=track)
                    found.append(_found(Path(folder)))
            if found[0] != found[1]:
                raise BenchmarkError(f"{n} trials: what was found with tracking differs")
            taken.append(pair)
    return [_row(n, taken) for n, taken in samples.items()]


def cost(rows: Sequence[TrackingRow]) -> Cost | None:
    """Return the line through what tracking adds at each number of trials; None of one number."""
    if len({row.trials for row in rows}) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    points = [(row.trials, _extra(pair)) for row in rows for pair in row.samples]
    line = linear_regression(*zip(*points, strict=True))
    return Cost(line.intercept, line.slope)


def results(study: StudyRecord) -> list[dict[str, Any]]:
    """Return all runs of a study without their times and memory."""
    runs = [dataclasses.asdict(run) for run in study.runs]
    return [{name: run[name] for name in run.keys() - _CLOCKED} for run in runs]


def _found(folder: Path) -> list[dict[str, Any]]:
    return results(open_study(folder / "home", "bench").record())


def _sample(folder: Path, text: str, threads: int, *, track: bool) -> Sample:
    file, home, job = (folder / name for name in ("bench.toml", "home", "job.json"))
    file.write_text(text)
    asked = {"file": str(file), "home": str(home), "threads": threads, "track": track}
    job.write_text(json.dumps(asked))
    database = home.absolute() / "mlflow.db"
    before, began = _cpu(), perf_counter()
    run(
        [sys.executable, "-m", "cfexp.bench.timed_run", str(job)],
        "the study",
        {"MLFLOW_TRACKING_URI": f"sqlite:///{database}"},
    )
    sample = {"seconds": perf_counter() - began, "cpu": _cpu() - before}
    sample |= json.loads(job.with_name("answer.json").read_text())
    sample |= open_study(home, "bench").record().seconds
    return sample | ({"model": _upload(database)} if track else {})


def _cpu() -> float:
    """Return the user and system seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _upload(database: Path) -> float:
    """Return the seconds between a model's begin in MLflow and its being ready."""
    with closing(sqlite3.connect(database)) as connection:
        (took,) = connection.execute(
            "select last_updated_timestamp_ms - creation_timestamp_ms from logged_models"
        ).fetchone()
    return float(took) / 1000


def _extra(pair: dict[str, Sample], what: str = "seconds") -> float:
    return pair["on"][what] - pair["off"][what]


def _row(trials: int, samples: list[dict[str, Sample]]) -> TrackingRow:
    def middle(mode: str, what: str) -> float:
        return median(pair[mode][what] for pair in samples)

    extra = median(_extra(pair) for pair in samples)
    return TrackingRow(
        trials=trials,
        seconds_without=middle("off", "seconds"),
        seconds=middle("on", "seconds"),
        extra=extra,
        share=extra / middle("on", "seconds"),
        cpu_extra=median(_extra(pair, "cpu") for pair in samples),
        optuna_per_trial=middle("on", "optuna_per_trial"),
        optuna_delay_per_trial=middle("on", "optuna_delay_per_trial"),
        report=middle("off", "report"),
        waiting=middle("on", "waiting"),
        model=middle("on", "model"),
        samples=samples,
    )
