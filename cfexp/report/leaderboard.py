"""The leaderboard: every baseline and every final configuration, best on test first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfexp.analysis.seeds import configuration, is_counted, seeds_of
from cfexp.analysis.words import plain
from cfexp.metrics.metric import is_metric
from cfexp.report.numbers import counted, mean_and_spread
from cfexp.search.run.runs import joined

if TYPE_CHECKING:
    from cfexp.search.store.record import Role, RunRecord, StudyRecord


@dataclass(frozen=True)
class Row:
    """One configuration: the means over its seeds, and their standard deviations.

    `metrics` and `spread` are keyed like `RunRecord.metrics` (`test/ndcg@10`); there
    is no spread for a single seed. `runs` are those that ended well, one per seed;
    `reason` says why there is none. `searched` are the hyperparameters that the study
    searches, `model` are all. `seconds` is the mean time of a fit, `facts` what the
    fits settled by themselves (`solver_used`).
    """

    label: str
    role: Role
    entry: str
    trial: int | None
    winner: bool
    default: bool
    model: dict[str, Any]
    searched: dict[str, Any]
    mask: str
    epochs: int | None
    runs: tuple[RunRecord, ...]
    metrics: dict[str, float]
    spread: dict[str, float]
    seconds: float | None
    reason: str | None
    facts: dict[str, str]


def leaderboard(study: StudyRecord) -> list[Row]:
    """Return one row per configuration, by the first objective on test, best first.

    Rows that were never read on test follow, by their value on validation; those that
    failed come last.
    """
    seeds = seeds_of(study.spec)
    groups: dict[str, dict[str, RunRecord]] = {}
    for run in sorted(study.runs, key=lambda run: run.generation):
        if run.role != "trial" and is_counted(run.key, seeds):
            groups.setdefault(configuration(run.key), {})[run.key] = run
    rows = [_row(study, list(runs.values())) for runs in groups.values()]
    sign = -1 if study.direction == "maximize" else 1
    objective = study.objectives[0]

    def rank(row: Row) -> tuple[float, ...]:
        keys = (f"test/{objective}", f"val/{objective}")
        return tuple(
            sign * row.metrics[key] if key in row.metrics else float("inf") for key in keys
        )

    return sorted(rows, key=rank)


def metric_names(study: StudyRecord) -> list[str]:
    """Return the metrics that the study's rows have, its objectives first."""
    names = dict.fromkeys(study.objectives)
    for run in study.runs:
        for key in run.metrics:
            stage, _, name = key.partition("/")
            if stage in {"val", "test"} and is_metric(name):
                names[name] = None
    return list(names)


def winner(rows: list[Row]) -> Row | None:
    """Return the row that was chosen on validation, if there is one."""
    return next((row for row in rows if row.winner), None)


def runner_up(study: StudyRecord, rows: list[Row]) -> Row | None:
    """Return the finalist that is second on validation, where the first was chosen."""
    if not study.readings:
        return None
    last, key = study.readings[-1], f"val/{study.objectives[0]}"
    others = [
        row
        for row in rows
        if row.role == "final" and row.trial in last.finalists and not row.winner
        if key in row.metrics
    ]
    sign = 1 if study.direction == "maximize" else -1
    return max(others, key=lambda row: sign * row.metrics[key], default=None)


def readings(study: StudyRecord) -> str:
    """Return how often the test set has been read, in words."""
    if not study.readings:
        return "The test set has not been read for a tuned configuration."
    *before, last = [reading.trials for reading in study.readings]
    trials = counted(last, "trial")
    if not before:
        return f"The test set was read once, after {trials}."
    earlier = ", ".join(f"{number:,}" for number in before)
    return f"The test set was read {len(study.readings)} times, after {earlier} and {trials}."


def _row(study: StudyRecord, runs: list[RunRecord]) -> Row:
    first = runs[0]
    done = tuple(run for run in runs if run.state == "complete")
    keys = dict.fromkeys(key for run in done for key in run.metrics)
    folded = {
        key: mean_and_spread([run.metrics[key] for run in done if key in run.metrics])
        for key in keys
    }
    fits = [run.seconds["fit"] for run in done if "fit" in run.seconds]
    final, name = first.role == "final", first.key.split("/")[1]
    chosen = study.readings[-1].winner if study.readings else None
    space = _space(study, first.entry)
    return Row(
        label=plain(f"{first.entry} #{first.number}" if final else name),
        role=first.role,
        entry=first.entry,
        trial=first.number,
        winner=final and first.number == chosen,
        default=not final and _is_default(study, first, name),
        model=first.model,
        searched={name: first.model[name] for name in space if name in first.model},
        mask=first.mask,
        epochs=first.best_epoch,
        runs=done,
        metrics={key: average for key, (average, _) in folded.items()},
        spread={key: spread for key, (_, spread) in folded.items() if spread is not None},
        seconds=sum(fits) / len(fits) if fits else None,
        reason=None if done else plain(first.reason or first.state),
        facts=joined(run.facts for run in done),
    )


def _is_default(study: StudyRecord, run: RunRecord, name: str) -> bool:
    """Return whether a baseline is a tuned model's default, not one of the study file's."""
    return any(
        name == f"{model.get('name') or model['model']['kind']} default"
        and (run.model, run.mask) == (model["model"], model["mask"])
        for model in study.spec.get("models", [])
    )


def _space(study: StudyRecord, entry: str) -> list[str]:
    """Return the hyperparameters that the study searches for an entry."""
    for model in study.spec.get("models", []):
        if entry == (model.get("name") or model["model"]["kind"]):
            return list(model["space"])
    return []
