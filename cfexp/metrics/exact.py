"""Accuracy of whole rankings: metrics of exact ranks, without a cut-off.

Throughout, r_i is how many items come before the relevant item i in the user's order,
R is the user's number of relevant items and N the number of items that the user could
be recommended. A relevant item that cannot be recommended comes after all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles
    from cfexp.metrics.accuracy import Ratio
    from cfexp.ranking import ExactRanks


def r_precision(ranks: ExactRanks, n_candidates: int) -> Ratio:
    """Relevant items among the first R, over R: |{i: r_i < R}| / R.

    Manning, Raghavan and Schuetze (2008), section 8.4.
    """
    del n_candidates
    n_relevant = _n_relevant(ranks)
    among = (ranks.before >= 0) & (ranks.before < np.repeat(n_relevant, np.diff(ranks.starts)))
    return _sums(ranks, among), n_relevant


def auc(ranks: ExactRanks, n_candidates: int) -> Ratio:
    """Share of the pairs of a relevant and another item that are in the right order.

    Pairs are of the user's R relevant items with the M = N - R other items; those of
    equal score count half (the statistic of Mann and Whitney 1947 over R M; Rendle et
    al. 2009, section 4.1). Where there is no other item, the share of the relevant items
    that can be recommended.
    """
    del n_candidates
    ranked = ranks.before >= 0
    n_ranked = _sums(ranks, ranked)
    others = np.maximum(ranks.n_ranked - n_ranked, 1)
    # of the items that are above, with half of the tied, every pair of relevant ones is one
    ahead = _sums(ranks, np.where(ranked, ranks.above + ranks.tied / 2, 0))
    wrong = ahead - n_ranked * (n_ranked - 1) / 2
    return n_ranked * others - wrong, _n_relevant(ranks) * others


def expected_percentile_rank(ranks: ExactRanks, n_candidates: int) -> Ratio:
    """Mean place of relevant items, in percent: sum_ui 100 r_ui / (C - 1) / sum_u R_u.

    C is the number of candidates, those hidden from the user included: these come after
    the N others. 0 is best, 50 is what random order has. Relevant items that are no
    candidates count 100. Hu, Koren and Volinsky (2008), equation 8, with all held-out
    values 1.
    """
    last = max(n_candidates - 1, 1)
    percent = 100 * np.where(ranks.before >= 0, ranks.before, last) / last
    return _sums(ranks, percent), _n_relevant(ranks)


def _n_relevant(ranks: ExactRanks) -> Doubles:
    return np.diff(ranks.starts).astype(np.float64)


def _sums(ranks: ExactRanks, values: AnyArray) -> Doubles:
    """Return the sum over each user's relevant items, of which there is at least one."""
    sums: Doubles = np.add.reduceat(values, ranks.starts[:-1], dtype=np.float64)
    return sums
