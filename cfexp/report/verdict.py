"""The verdict: did tuning help, by how much, and what to doubt, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.words import percent, plain
from cfexp.analysis.worst import measured_by
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.doubts import reference
from cfexp.report.findings import findings
from cfexp.report.numbers import counted, gain, how_sure, p_value, signed, value
from cfexp.splits.futures import future_words

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.analysis.intervals import Interval
    from cfexp.analysis.significance import Difference
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

_THAN = {
    "better": "better than",
    "worse": "worse than",
    "no clear difference": "not clearly different from",
}


def verdict(study: StudyRecord) -> list[str]:
    """Return what the study shows: what was chosen, against what, and how sure that is.

    The worst of a group has no value for each user; where it is the objective, what it
    reached comes first, and its metric over all users is what is compared.
    """
    found = findings(study)
    best = board.winner(found.rows)
    metric = measured_by(study.objectives[0])
    futures = future_words(study.split)
    last = [] if futures is None else [futures]
    if best is None or f"test/{metric}" not in best.metrics:
        return [*_untuned(found.rows, study.objectives[0]), *last]
    interval = found.intervals[found.rows.index(best)].get(f"test/{metric}")
    words = _of_group(study.objectives[0], metric, best)
    words.append(_reached(study, best, metric, interval))
    words += [
        tuning(study, pair)
        for row, pair in found.pairs
        if pair is not None and row.default and row.entry == best.entry
    ]
    words += _moved(metric, found.rows, best)
    second = board.runner_up(study, found.rows)
    users = round(best.metrics.get("test/users", 0))
    for row, pair in found.pairs:
        name = f"{row.label}, the runner-up" if row is second else row.label
        words.append(_against(study, name, pair, users))
    if not Metric.parse(metric).per_user:
        words.append(
            f"{metric} is of all lists together: without a value for each user it has no interval "
            "and no test, so the winner is not compared with the others."
        )
    compared = sum(pair is not None for _, pair in found.pairs)
    if compared:
        words.append(how_sure(compared))
    return [*words, board.readings(study), *last]


def abstract(study: StudyRecord) -> list[str]:
    """Return the verdict in two or three sentences: what was reached, and against whom."""
    found = findings(study)
    best, metric = board.winner(found.rows), measured_by(study.objectives[0])
    if best is None or f"test/{metric}" not in best.metrics:
        return _untuned(found.rows, study.objectives[0])
    interval = found.intervals[found.rows.index(best)].get(f"test/{metric}")
    words = [*_of_group(study.objectives[0], metric, best), _reached(study, best, metric, interval)]
    outcomes: dict[str, list[str]] = {}
    for row, pair in found.pairs:
        if pair is not None:
            outcomes.setdefault(pair.words(study.direction), []).append(row.label)
    parts = [f"{_THAN[one]} {', '.join(outcomes[one])}" for one in _THAN if one in outcomes]
    return [*words, f"It is {'; '.join(parts)} (paired tests, corrected)."] if parts else words


def comparison_frame(study: StudyRecord) -> pd.DataFrame:
    """Return the winner's comparisons, one row each: difference, interval, p, effect."""
    import pandas as pd

    found = findings(study)
    best = board.winner(found.rows)
    return pd.DataFrame(
        [
            {
                "winner": best.label if best else None,
                "against": row.label,
                "metric": measured_by(study.objectives[0]),
                **as_dict(study, pair),
            }
            for row, pair in found.pairs
            if pair is not None
        ]
    )


def as_dict(study: StudyRecord, pair: Difference) -> dict[str, float | int | str | None]:
    """Return a comparison as plain values, the smallest detectable difference among them."""
    from cfexp.analysis.power import detectable_difference

    return {
        "difference": pair.mean,
        "low": pair.low,
        "high": pair.high,
        "relative": pair.relative,
        "effect": pair.effect,
        "p": pair.p,
        "p_bootstrap": pair.p_bootstrap,
        "p_corrected": pair.p_corrected,
        "detectable": detectable_difference(pair.deviation, pair.users),
        "users": pair.users,
        "outcome": pair.words(study.direction),
    }


def _of_group(objective: str, metric: str, best: Row) -> list[str]:
    """Return what the worst group reached, where that is the objective."""
    if metric == objective or f"test/{objective}" not in best.metrics:
        return []
    stages = {"validation": f"val/{objective}", "test": f"test/{objective}"}
    reached = " and ".join(f"{value(best.metrics[key])} on {at}" for at, key in stages.items())
    chosen = f"{best.label} was chosen for its worst group, {plain(objective)}: {reached}."
    return [f"{chosen} What follows compares {metric} over all users."]


def _reached(study: StudyRecord, best: Row, metric: str, interval: Interval | None) -> str:
    key = f"test/{metric}"
    users = f" over {best.metrics['test/users']:,.0f} users" if "test/users" in best.metrics else ""
    sure = (
        f" (95% interval {value(interval.low)} to {value(interval.high)}{users})"
        if interval
        else ""
    )
    seeds = f", mean of {len(best.runs)} seeds" if len(best.runs) > 1 else ""
    spread = f" ± {value(best.spread[key])}" if key in best.spread else ""
    trials = counted(study.readings[-1].trials, "trial")
    return (
        f"{best.label}, chosen on validation among {trials}, reaches "
        f"{metric} {value(best.metrics[key])} on test{sure}{seeds}{spread}."
    )


def _untuned(rows: list[Row], objective: str) -> list[str]:
    key = f"test/{objective}"
    read = [row for row in rows if key in row.metrics]
    baselines = [row for row in read if row.role == "baseline"]
    untuned = "No tuned configuration has been read on the test set yet."
    if len(read) > len(baselines):
        untuned = (
            "Tuned configurations were read on the test set, but none on every seed: "
            "there is no winner."
        )
    if not baselines:
        what = "No baseline" if read else "Nothing"
        return [f"{what} has been measured on the test set yet.", untuned]
    reached = f"{plain(objective)} {value(baselines[0].metrics[key])} on test"
    return [f"{baselines[0].label} is the best baseline: {reached}.", untuned]


def tuning(study: StudyRecord, pair: Difference) -> str:
    """Return whether tuning helped, from the winner's difference to the default."""
    outcome = pair.words(study.direction)
    if outcome == "better":
        return "Tuning helped: the winner is better than the default configuration."
    if outcome == "worse":
        return "Tuning hurt: the winner is worse than the default configuration."
    return "Tuning made no clear difference to the default configuration."


def _moved(metric: str, rows: list[Row], best: Row) -> list[str]:
    """Return the winner's validation value beside its test value, and a reference's gap."""
    keys = [f"{stage}/{metric}" for stage in ("val", "test")]
    rival = reference(rows, best)

    def gap(row: Row | None) -> float | None:
        if row is None or not all(row.metrics.get(key) for key in keys):
            return None
        return row.metrics[keys[1]] / row.metrics[keys[0]] - 1

    own, other = gap(best), gap(rival)
    if own is None:
        return []
    beside = "" if other is None or rival is None else f" ({rival.label}: {percent(other)})"
    validation, test = (value(best.metrics[key]) for key in keys)
    return [f"From validation to test it went from {validation} to {test}, {percent(own)}{beside}."]


def _against(study: StudyRecord, name: str, pair: Difference | None, users: int) -> str:
    if pair is None:
        return f"Against {name}: not compared, which needs 2 users with values of both."
    return f"Against {name}: {pair.words(study.direction)}, {figures(pair, users)}."


def figures(pair: Difference, users: int) -> str:
    """Return a comparison in numbers; over how many users, where not over all `users`."""
    shared = "" if pair.users == users else f" over {pair.users:,} users"
    return (
        f"{gain(pair.mean, pair.relative)}, 95% interval {signed(pair.low)} to "
        f"{signed(pair.high)}{shared}, {p_value(pair.p_corrected)}"
    )
