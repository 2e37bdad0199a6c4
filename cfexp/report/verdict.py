"""The verdict: did tuning help, and by how much, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.significance import Difference, paired_difference
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.numbers import p_value, value
from cfexp.report.vectors import averaged

if TYPE_CHECKING:
    from cfexp.report.leaderboard import Row
    from cfexp.search.record import StudyRecord


def comparisons(study: StudyRecord) -> list[tuple[Row, Difference]]:
    """Return how the winner differs from every baseline on test, by the first objective.

    Differences are paired by user, after averaging each user over the seeds; a baseline
    without per-user values is left out.
    """
    rows = board.leaderboard(study)
    best, objective = board.winner(rows), study.objectives[0]
    if best is None or not Metric.parse(objective).per_user:
        return []
    ours = averaged(study, best.runs, "test")
    found = []
    for row in rows:
        theirs = averaged(study, row.runs, "test") if row.role == "baseline" else None
        if ours is not None and theirs is not None:
            pair = paired_difference(ours.values(objective), theirs.values(objective))
            found.append((row, pair))
    return found


def verdict(study: StudyRecord) -> list[str]:
    """Return what the study shows: what was chosen, against what, and how sure that is."""
    rows = board.leaderboard(study)
    best = board.winner(rows)
    key = f"test/{study.objectives[0]}"
    if best is None or key not in best.metrics:
        return _untuned(study, rows, key)
    seeds = f", mean of {len(best.runs)} seeds" if len(best.runs) > 1 else ""
    spread = f" ± {value(best.spread[key])}" if key in best.spread else ""
    reached = f"{study.objectives[0]} {value(best.metrics[key])}{spread} on test{seeds}"
    trials = f"{study.readings[-1].trials:,} trials"
    words = [f"{best.label}, chosen on validation among {trials}, reaches {reached}."]
    pairs = comparisons(study)
    words += [
        _tuning(study, pair) for row, pair in pairs if row.default and row.entry == best.entry
    ]
    words += [_against(study, row, pair, row.metrics[key]) for row, pair in pairs]
    return [*words, board.readings(study)]


def _untuned(study: StudyRecord, rows: list[Row], key: str) -> list[str]:
    read = [row for row in rows if key in row.metrics]
    untuned = "No tuned configuration has been read on the test set yet."
    if not read:
        return ["Nothing has been measured on the test set yet.", untuned]
    reached = f"{study.objectives[0]} {value(read[0].metrics[key])} on test"
    return [f"{read[0].label} is the best baseline: {reached}.", untuned]


def _tuning(study: StudyRecord, pair: Difference) -> str:
    outcome = pair.words(study.direction)
    if outcome == "better":
        return "Tuning helped: the winner is better than the default configuration."
    if outcome == "worse":
        return "Tuning hurt: the winner is worse than the default configuration."
    return "Tuning made no clear difference to the default configuration."


def _against(study: StudyRecord, row: Row, pair: Difference, theirs: float) -> str:
    relative = f" ({pair.mean / abs(theirs):+.1%})" if theirs else ""
    figures = (
        f"{_signed(pair.mean)}{relative}, 95% interval {_signed(pair.low)} to "
        f"{_signed(pair.high)} over {pair.users:,} users, {p_value(pair.p)}"
    )
    return f"Against {row.label}: {pair.words(study.direction)}, {figures}."


def _signed(number: float) -> str:
    return f"{'+' if number >= 0 else '−'}{value(abs(number))}"  # noqa: RUF001
