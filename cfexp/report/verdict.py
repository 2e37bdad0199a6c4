"""The verdict: did tuning help, and by how much, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.significance import Difference, paired_difference
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.numbers import p_value, value
from cfexp.report.vectors import averaged

if TYPE_CHECKING:
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.report.leaderboard import Row
    from cfexp.search.record import StudyRecord


def comparisons(study: StudyRecord) -> list[tuple[Row, Difference | None]]:
    """Return how the winner differs from every baseline on test, by the first objective.

    Differences are paired by user, after averaging each user over the seeds; there is
    none where fewer than two users have both values. A baseline without per-user
    values is left out.
    """
    rows = board.leaderboard(study)
    best, objective = board.winner(rows), study.objectives[0]
    if best is None or not Metric.parse(objective).per_user:
        return []
    ours = averaged(study, best.runs, "test")
    found: list[tuple[Row, Difference | None]] = []
    for row in rows:
        theirs = averaged(study, row.runs, "test") if row.role == "baseline" else None
        if ours is not None and theirs is not None:
            found.append((row, _difference(ours, theirs, objective)))
    return found


def _difference(ours: Evaluation, theirs: Evaluation, metric: str) -> Difference | None:
    import numpy as np

    _, first, second = np.intersect1d(
        ours.users, theirs.users, assume_unique=True, return_indices=True
    )
    if len(first) < 2:  # noqa: PLR2004 - one difference has no spread
        return None
    return paired_difference(
        ours.contributions(metric, first), theirs.contributions(metric, second)
    )


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
        _tuning(study, pair)
        for row, pair in pairs
        if pair is not None and row.default and row.entry == best.entry
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


def _against(study: StudyRecord, row: Row, pair: Difference | None, theirs: float) -> str:
    if pair is None:
        return f"Against {row.label}: not compared, which needs 2 users with values of both."
    relative = f" ({pair.mean / abs(theirs):+.1%})" if theirs else ""
    figures = (
        f"{_signed(pair.mean)}{relative}, 95% interval {_signed(pair.low)} to "
        f"{_signed(pair.high)} over {pair.users:,} users, {p_value(pair.p)}"
    )
    return f"Against {row.label}: {pair.words(study.direction)}, {figures}."


def _signed(number: float) -> str:
    return f"{'+' if number >= 0 else '−'}{value(abs(number))}"  # noqa: RUF001
