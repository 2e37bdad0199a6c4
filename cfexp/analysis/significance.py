"""Whether one configuration is better than others, user by user.

Two tests answer it, both of the mean over users of the difference: sign flips (under the
null hypothesis each user's difference might as well have the other sign; Fisher 1935) and
the bootstrap, recentred at zero. The p-value that decides is that of the sign flips,
corrected over the family of comparisons after Holm (1979).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis.intervals import RESAMPLES, bca, block_of, check_users, draws, resampled_means
from cfexp.errors import EvaluationError
from cfexp.parallel import each_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Doubles
    from cfexp.metrics.metric import Direction

LEVEL = 0.05
_ROUNDING = 1e-12
_TIE = 1 + _ROUNDING  # sums in another order are not exactly equal


@dataclass(frozen=True)
class Difference:
    """The mean over users of (first - second), its 95% interval and two-sided p-values.

    The interval is the BCa bootstrap's. `p` is the sign-flip test's, `p_bootstrap` the
    bootstrap's, `p_corrected` is `p` corrected over the family, `p` itself for a family of
    one. `effect` is the mean over the standard deviation of the differences (Cohen's d_z),
    None where they do not vary. `relative` is the mean over the second's mean, None where
    that is 0. `deviation` is the differences' standard deviation.
    """

    mean: float
    low: float
    high: float
    p: float
    p_bootstrap: float
    p_corrected: float
    effect: float | None
    relative: float | None
    deviation: float
    users: int

    def words(self, direction: Direction = "maximize") -> str:
        """Return `better`, `worse`, or `no clear difference`, by the corrected p-value."""
        if self.p_corrected >= LEVEL:
            return "no clear difference"
        return "better" if (self.mean > 0) == (direction == "maximize") else "worse"


def paired_differences(
    first: Doubles, others: Sequence[Doubles], *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Difference]:
    """Compare a per-user vector with several others of the same users, uncorrected.

    All share one resample of the users and one set of signs. The same `seed` gives the
    same numbers.

    Raises
    ------
    EvaluationError
        When the vectors differ in length or hold fewer than two users.
    """
    for other in others:
        if first.shape != other.shape:
            raise EvaluationError(
                "a paired comparison needs the same users: "
                f"{len(first)} and {len(other)} were given"
            )
    check_users(len(first))
    if not others:
        return []
    gaps = np.stack([first - other for other in others], axis=1)
    means = gaps.mean(axis=0)
    drawn = resampled_means(gaps, seed=seed, resamples=resamples)
    intervals = bca(means, drawn, gaps - means)
    size = np.abs(means) / _TIE
    flipped = _share(np.abs(_flipped_means(gaps, seed=seed, resamples=resamples)) >= size)
    recentred = _share(np.abs(drawn - means) >= size)
    deviations = gaps.std(axis=0, ddof=1)
    deviations[deviations <= _ROUNDING * np.abs(gaps).max(axis=0)] = 0  # they do not vary
    return [
        Difference(
            mean=float(means[j]),
            low=intervals[j].low,
            high=intervals[j].high,
            p=float(flipped[j]),
            p_bootstrap=float(recentred[j]) if deviations[j] > 0 else float(flipped[j]),
            p_corrected=float(flipped[j]),
            effect=float(means[j] / deviations[j]) if deviations[j] > 0 else None,
            relative=float(means[j] / abs(base)) if (base := other.mean()) else None,
            deviation=float(deviations[j]),
            users=len(first),
        )
        for j, other in enumerate(others)
    ]


def corrected(family: Sequence[Difference | None]) -> list[Difference | None]:
    """Return the comparisons of a family with their p-values corrected; None stays None."""
    adjusted = iter(holm([one.p for one in family if one is not None]))
    return [
        None if one is None else dataclasses.replace(one, p_corrected=next(adjusted))
        for one in family
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values corrected for the number of comparisons (Holm 1979).

    The smallest is multiplied by m, the next by m - 1, and so on; none becomes smaller
    than one before it, or larger than 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    raised = np.asarray(p, np.float64)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return [float(one) for one in adjusted]


def _flipped_means(gaps: Doubles, *, seed: int, resamples: int) -> Doubles:
    """Return the means of `gaps` (n x m) with signs flipped at random, resamples x m."""
    n = len(gaps)
    sums = np.empty((draws(n, resamples), gaps.shape[1]))

    def flip(block: slice) -> None:
        rng = np.random.default_rng([seed, 1, block.start])
        shape = (block.stop - block.start, (n + 7) // 8)
        bits = rng.integers(0, 256, size=shape, dtype=np.uint8)
        signs = np.unpackbits(bits, axis=1, count=n).astype(np.float64)
        sums[block] = 2 * (signs @ gaps)

    each_block(len(sums), block_of(n), flip)
    means: Doubles = (sums - gaps.sum(axis=0)) / n
    return means


def _share(beyond: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Doubles:
    """Return the share of resamples as far out as what was found, which counts as one."""
    share: Doubles = (beyond.sum(axis=0) + 1) / (len(beyond) + 1)
    return share
