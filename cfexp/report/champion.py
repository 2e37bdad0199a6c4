"""Which registered model is the champion: a new one only when it is better, and surely so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.analysis.worst import measured_by
from cfexp.errors import StudyConflictError
from cfexp.metrics.metric import Metric
from cfexp.report.comparisons import against
from cfexp.report.numbers import value
from cfexp.report.one_split import refuse_others
from cfexp.report.verdict import figures

if TYPE_CHECKING:
    from cfexp.report.compare import Contender
    from cfexp.tracking.registry import Registered


@dataclass(frozen=True)
class Decision:
    """Whether the alias moves, and why, in words."""

    moves: bool
    words: str


def decide(ours: Contender, champion: Registered | None) -> Decision:
    """Compare a contender with the champion on the test set of their one split.

    By the contender's first objective, paired by user; each mean is over seeds. The champion
    stays unless the contender is better at the 5% level.
    """
    if champion is None:
        return Decision(moves=True, words=f"{ours.name} is the first champion.")
    theirs = f"version {champion.number}, {champion.label}"
    metric = measured_by(ours.study.objectives[0])
    reason = _incomparable(ours, champion, metric)
    if reason is None and champion.evaluation is not None:
        (pair,) = against(ours.evaluation, [champion.evaluation], metric)
        if pair is not None:
            outcome = pair.words(Metric.parse(metric).direction)
            found = f"{metric} on test {figures(pair, len(ours.evaluation))}"
            if outcome == "better":
                words = f"{ours.name} is the champion now: better than {theirs}: {found}."
                return Decision(moves=True, words=words)
            reason = f"{ours.name} is {outcome}: {found}"
            if outcome == "no clear difference":
                reason = f"no clear difference to {ours.name}: {found}"
        else:
            reason = "a comparison needs 2 users with values of both"
    return Decision(moves=False, words=f"The champion stays {theirs}: {reason}.")


def about(ours: Contender) -> str:
    """Return what a contender is and what it reached, in a sentence."""
    objective = ours.study.objectives[0]
    reached = ours.row.metrics.get(f"test/{objective}")
    test = "" if reached is None else f": {objective} {value(reached)} on test"
    return f"{ours.name}, chosen on validation{test}."


def _incomparable(ours: Contender, champion: Registered, metric: str) -> str | None:
    """Return why the two cannot be compared, if they cannot."""
    if not champion.fingerprint:
        return "it was not registered by cfexp, so nothing says what it was measured on"
    try:
        refuse_others([ours.study, champion])
    except StudyConflictError as error:
        return str(error)
    if champion.evaluation is None:
        return "its values per user are gone from MLflow, so the two cannot be compared"
    if not Metric.parse(metric).per_user:
        return f"{metric} is of all lists together and has no value for each user to compare by"
    if metric not in champion.evaluation.numerators:
        return f"{metric} was not measured for it"
    return None
