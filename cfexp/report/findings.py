"""What a report says beyond means: intervals, comparisons, warnings; computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.report.comparisons import Comparison, comparisons
from cfexp.report.doubts import doubts
from cfexp.report.intervals import intervals
from cfexp.report.leaderboard import Row, leaderboard
from cfexp.report.once import once

if TYPE_CHECKING:
    from cfexp.analysis.intervals import Interval
    from cfexp.analysis.significance import Difference
    from cfexp.search.store.record import StudyRecord


@dataclass(frozen=True, eq=False)
class Findings:
    """The leaderboard's rows, an interval for each of their means, and what to doubt.

    `intervals` go with `rows`, keyed like their metrics; `pairs` compare the winner with
    others.
    """

    rows: list[Row]
    intervals: list[dict[str, Interval]]
    pairs: list[Comparison]
    warnings: list[str]

    def pair_of(self, row: Row) -> Difference | None:
        """Return how the winner differs from a row, where it was compared."""
        return next((pair for other, pair in self.pairs if other is row), None)


@once
def findings(study: StudyRecord) -> Findings:
    """Return the findings of a study: a second or two for ten models over 6,000 users."""
    rows = leaderboard(study)
    around, pairs = intervals(study, rows), comparisons(study, rows)
    return Findings(rows, around, pairs, doubts(study, rows, around, pairs))
