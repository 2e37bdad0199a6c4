"""95% intervals of a mean over users, and of a ratio of sums.

The bootstrap is BCa (Efron 1987; Efron and Tibshirani 1993, section 14.3), which is what
`scipy.stats.bootstrap` does by default. Values per user are skewed: most users have no hit
in ten places. The percentile interval ignores that, BCa corrects for it, and for a mean
the correction costs nothing, since its jackknife has a closed form. One resample of the
users serves all models and metrics: counts of users (resamples x n) times values (n x m).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import EvaluationError
from cfexp.parallel import each_block

if TYPE_CHECKING:
    from cfexp.arrays import Doubles

RESAMPLES = 10_000
_BLOCK = 2**20
"""Users drawn at once: counts of 8 MB."""
_DRAWS = 10**9
"""Beyond 100,000 users, fewer resamples are drawn; the mean of so many is normal."""
_FEWEST = 2_000
_ROUNDING = 1e-12
"""Values that differ by less than this, relative to their size, do not vary."""


@dataclass(frozen=True)
class Interval:
    """An estimate over users and its 95% interval."""

    estimate: float
    low: float
    high: float


def bootstrap(
    numerators: Doubles,
    denominators: Doubles | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """Return the BCa interval of every column's mean, or ratio of sums.

    Users are resampled; seeds of a model, averaged before, are taken as they are. The same
    `seed` gives the same intervals.

    Parameters
    ----------
    numerators
        n users x m columns (models, metrics), float64.
    denominators
        Of the same shape, positive; column j is then sum(numerators) / sum(denominators).
        Left out: the mean.

    Raises
    ------
    EvaluationError
        When there are fewer than two users.
    """
    n = check_users(len(numerators))
    if denominators is None:
        drawn = resampled_means(numerators, seed=seed, resamples=resamples)
        centred = numerators - numerators.mean(axis=0)
        return bca(numerators.mean(axis=0), drawn, centred)
    columns = numerators.shape[1]
    vary = np.flatnonzero((denominators != denominators[:1]).any(axis=0))
    both = resampled_means(
        np.hstack([numerators, denominators[:, vary]]), seed=seed, resamples=resamples
    )
    under = np.repeat(denominators[:1], len(both), axis=0)
    under[:, vary] = both[:, columns:]
    above, below = numerators.sum(axis=0), denominators.sum(axis=0)
    left_out = (above - numerators) / (below - denominators)
    influence = (n - 1) * (left_out.mean(axis=0) - left_out)
    return bca(above / below, both[:, :columns] / under, influence)


def bca(estimates: Doubles, drawn: Doubles, influence: Doubles) -> list[Interval]:
    """Return BCa intervals from m estimates, resamples x m, and jackknife values n x m."""
    from scipy.special import ndtr, ndtri

    edges = ndtri([0.025, 0.975])
    found = []
    for column, estimate in enumerate(estimates):
        values, pull = drawn[:, column], influence[:, column]
        spread = float((pull**2).sum())
        size = _ROUNDING * max(abs(float(estimate)), float(np.abs(values).max()))
        if spread <= len(pull) * size**2 or values.min() == values.max():
            found.append(Interval(float(estimate), float(estimate), float(estimate)))
            continue
        below = ((values < estimate).mean() + (values <= estimate).mean()) / 2
        bias = ndtri(np.clip(below, 1 / len(values), 1 - 1 / len(values)))
        acceleration = float((pull**3).sum()) / (6 * spread**1.5)
        shifted = bias + (bias + edges) / (1 - acceleration * (bias + edges))
        low, high = np.quantile(values, ndtr(shifted))
        found.append(Interval(float(estimate), float(low), float(high)))
    return found


def resampled_means(values: Doubles, *, seed: int, resamples: int = RESAMPLES) -> Doubles:
    """Return the means of every column of `values` (n x m) in every resample of its rows."""
    n = len(values)
    means = np.empty((draws(n, resamples), values.shape[1]))

    def draw(block: slice) -> None:
        rows = block.stop - block.start
        users = np.random.default_rng([seed, 0, block.start]).integers(
            0, n, size=(rows, n), dtype=np.int32
        )
        users += np.arange(0, rows * n, n, dtype=np.int32)[:, None]
        counts = np.bincount(users.ravel(), minlength=rows * n).reshape(rows, n)
        means[block] = counts.astype(np.float64) @ values

    each_block(len(means), block_of(n), draw)
    return means / n


def draws(n: int, resamples: int) -> int:
    """Return how many resamples of `n` users are drawn where `resamples` are asked for."""
    return min(resamples, max(_FEWEST, _DRAWS // n))


def block_of(n: int) -> int:
    """Return how many resamples of `n` users are drawn at once."""
    return max(1, _BLOCK // n)


def check_users(n: int) -> int:
    """Return `n`; raise an EvaluationError when there are fewer than two users."""
    if n < 2:  # noqa: PLR2004 - one value has no spread
        raise EvaluationError(f"an interval or a comparison needs at least 2 users, not {n}")
    return n
