"""Which differences a number of users can tell from noise.

For a paired comparison whose differences have standard deviation s over n users, the
smallest mean difference that a two-sided test at level a finds with probability 1 - b is
(z_{1-a/2} + z_{1-b}) s / sqrt(n) (Sakai 2018, "Laboratory Experiments in Information
Retrieval", chapter 6; the normal approximation).
"""

from __future__ import annotations

from statistics import NormalDist

from cfexp.analysis.significance import LEVEL

_NORMAL = NormalDist()
_POWER = 0.8


def detectable_difference(deviation: float, users: int) -> float:
    """Return the smallest mean difference that `users` users tell from noise, 8 times of 10.

    >>> round(detectable_difference(0.1, 400), 4)
    0.014
    """
    reach = _NORMAL.inv_cdf(1 - LEVEL / 2) + _NORMAL.inv_cdf(_POWER)
    return float(reach * deviation / users**0.5)
