"""What may make a study's result worth less than it looks: its diagnostics, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cfexp.analysis import diagnostics
from cfexp.analysis.power import detectable_difference
from cfexp.analysis.words import plain
from cfexp.report import leaderboard as board
from cfexp.report.numbers import counted
from cfexp.search.store.record import TIED
from cfexp.search.store.standing import is_timed_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cfexp.analysis.intervals import Interval
    from cfexp.report.comparisons import Comparison
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord


def doubts(
    study: StudyRecord,
    rows: list[Row],
    intervals: Sequence[dict[str, Interval]],
    pairs: Sequence[Comparison],
) -> list[str]:
    """Return the study's warnings; see `cfexp.analysis.diagnostics` for each.

    `intervals` go with `rows`, `pairs` compare the winner with others.
    """
    best = board.winner(rows)
    found: list[str | None] = [*_unfinished(study), *_unrepeatable(study), *_few_trials(study)]
    if best is not None:
        found += [*_edges(study, best), _last_epoch(study, best), _seeds(study, rows, best)]
        found += [_fell(study, rows, intervals, best), _small(study, pairs)]
    found.append(diagnostics.tied([row.label for row in rows if TIED in row.facts]))
    found.append(diagnostics.read_again(len(study.readings)))
    return [one for one in found if one is not None]


def reference(rows: list[Row], best: Row) -> Row | None:
    """Return what the winner is held against: its default, else the best baseline."""
    baselines = [row for row in rows if row.role == "baseline" and row.runs]
    own = [row for row in baselines if row.default and row.entry == best.entry]
    return next(iter([*own, *baselines]), None)


def _unfinished(study: StudyRecord) -> Iterator[str]:
    ended = len(study.of_role("trial"))
    if study.timeout is not None and ended < study.budget:
        yield (
            f"The search was stopped by --timeout after {ended:,} of {study.budget:,} trials; "
            "cfexp run goes on with it."
        )


def _unrepeatable(study: StudyRecord) -> Iterator[str]:
    trials = study.of_role("trial")
    search = study.spec.get("search", {})
    kinds = {part: search.get(part, {}).get("kind") for part in ("sampler", "pruner")}
    workers = max((int(study.environment_of(run).get("workers", 1)) for run in trials), default=1)
    where = f"{workers} workers at a time"
    if workers == 1 and (processes := len({run.worker for run in trials})) > 1:
        workers, where = processes, f"{processes} processes that shared the study"
    if workers > 1 and (kinds["sampler"] not in {"random", "grid"} or kinds["pruner"] != "none"):
        yield (
            f"Trials ran in {where}, and the order in which they ended decided "
            "what was tried or given up next: the study does not repeat exactly, as it would "
            "with one worker."
        )
    timed = sum(is_timed_out(run) for run in trials)
    if timed:
        yield (
            f"{counted(timed, 'trial')} ended at the study's time limit: how far a trial comes by "
            "then depends on the machine, so the study does not repeat exactly."
        )


def _few_trials(study: StudyRecord) -> Iterator[str | None]:
    trials = study.of_role("trial")
    for model in study.spec.get("models", []) if trials else []:
        label = model.get("name") or model["model"]["kind"]
        own = [run for run in trials if run.entry == label and run.state == "complete"]
        yield diagnostics.few_trials(plain(label), len(own), len(model["space"]))


def _edges(study: StudyRecord, best: Row) -> Iterator[str | None]:
    for model in study.spec.get("models", []):
        if best.entry != (model.get("name") or model["model"]["kind"]):
            continue
        for name, given in model["space"].items():
            value, low, high = best.model.get(name), given.get("low"), given.get("high")
            if value is not None and low is not None and high is not None:
                log = bool(given.get("log"))
                words = diagnostics.at_edge(name, value, low, high, log=log)
                if words and _may_widen(best.model, name, given, value):
                    yield f"{best.label}: {words}"


def _may_widen(model: dict[str, Any], name: str, given: dict[str, Any], value: float) -> bool:
    """Return whether the model would take a value beyond the end that `value` is near to."""
    from pydantic import TypeAdapter, ValidationError

    from cfexp.models.any_model import AnyModel

    low, high, step = given["low"], given["high"], given.get("step")
    step = step or (1 if given["kind"] == "int" else (high - low) / 100)
    nearer_low = (
        abs(value / low - 1) < abs(high / value - 1)
        if given.get("log")
        else (value - low < high - value)
    )
    beyond = low / 2 if given.get("log") and given["kind"] == "float" else low - step
    try:
        TypeAdapter(AnyModel).validate_python(model | {name: beyond if nearer_low else high + step})
    except ValidationError:
        return False
    return True


def _last_epoch(study: StudyRecord, best: Row) -> str | None:
    for run in study.of_role("trial"):
        epochs = run.model.get("epochs")
        if run.number == best.trial and run.best_epoch is not None and isinstance(epochs, int):
            key = f"val/{study.objectives[0]}"
            values = [point.metrics[key] for point in run.curve[-2:] if key in point.metrics]
            gain = abs(values[1] / values[0] - 1) if len(values) > 1 and values[0] else None
            return diagnostics.last_epoch(best.label, run.best_epoch, epochs, gain)
    return None


def _seeds(study: StudyRecord, rows: list[Row], best: Row) -> str | None:
    second, key = board.runner_up(study, rows), f"val/{study.objectives[0]}"
    if second is None or key not in best.metrics:
        return None
    spread = max(best.spread.get(key, 0.0), second.spread.get(key, 0.0))
    lead = best.metrics[key] - second.metrics[key]
    return diagnostics.seeds_outweigh(lead, spread, second.label)


def _fell(
    study: StudyRecord, rows: list[Row], intervals: Sequence[dict[str, Interval]], best: Row
) -> str | None:
    """Hold the winner's change against the reference's, where both have intervals."""
    rival, keys = reference(rows, best), [f"{s}/{study.objectives[0]}" for s in ("val", "test")]
    if rival is None or study.direction != "maximize":
        return None
    known = [intervals[rows.index(row)] for row in (best, rival)]
    if not all(key in own for own in known for key in keys):
        return None
    winner, other = ((own[keys[0]], own[keys[1]]) for own in known)
    if min(one.estimate for one in (*winner, *other)) <= 0:
        return None
    error = math.hypot(*(_change_error(*pair) for pair in (winner, other)))
    (own, own_test), (its, its_test) = (
        (before.estimate, after.estimate) for before, after in (winner, other)
    )
    return diagnostics.fell((own, own_test), (its, its_test), rival.label, error=error)


def _change_error(before: Interval, after: Interval) -> float:
    """Return half of the 95% interval of the relative change, as if its ends were independent."""
    relative = ((one.high - one.low) / 2 / one.estimate for one in (before, after))
    return after.estimate / before.estimate * math.hypot(*relative)


def _small(study: StudyRecord, pairs: Sequence[Comparison]) -> str | None:
    """Say so of the first baseline that the winner is not clearly different from."""
    for row, pair in pairs:
        if row.role != "baseline" or pair is None or pair.relative is None or pair.mean == 0:
            continue
        if pair.words(study.direction) == "no clear difference":
            smallest = detectable_difference(pair.deviation, pair.users)
            relative = smallest * abs(pair.relative / pair.mean)
            return diagnostics.too_small(pair.users, relative, pair.relative, row.label)
    return None
