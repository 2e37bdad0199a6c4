"""Whether one configuration is better than another, user by user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis.intervals import half_width
from cfexp.errors import EvaluationError

if TYPE_CHECKING:
    from cfexp.arrays import Doubles
    from cfexp.metrics.metric import Direction


@dataclass(frozen=True)
class Difference:
    """The mean over users of (first - second), its 95% interval and a two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float
    users: int

    def words(self, direction: Direction = "maximize") -> str:
        """Return `better`, `worse`, or `no clear difference` when the interval holds 0."""
        if self.low <= 0 <= self.high:
            return "no clear difference"
        return "better" if (self.mean > 0) == (direction == "maximize") else "worse"


def paired_difference(first: Doubles, second: Doubles) -> Difference:
    """Compare two per-user vectors of the same users by a paired t-test.

    Over users, differences are many and bounded, so their mean is close to normal.

    Raises
    ------
    EvaluationError
        When the vectors differ in length or hold fewer than two users.
    """
    from scipy import stats

    if first.shape != second.shape:
        raise EvaluationError(
            f"a paired comparison needs the same users: {len(first)} and {len(second)} were given"
        )
    if len(first) < 2:  # noqa: PLR2004 - one difference has no spread
        raise EvaluationError(f"a paired comparison needs at least 2 users, not {len(first)}")
    difference = first - second
    mean = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0, len(difference))
    half = half_width(difference)
    p = 2 * float(stats.t.sf(abs(mean) / error, len(difference) - 1))
    return Difference(mean, mean - half, mean + half, p, len(difference))
