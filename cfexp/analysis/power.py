"""Which differences a number of users can tell from noise.

For a paired comparison whose differences have standard deviation s over n users, the
smallest mean difference that a two-sided test at level a finds with probability 1 - b is
(z_{1-a/2} + z_{1-b}) s / sqrt(n) (Sakai 2018, "Laboratory Experiments in Information
Retrieval", chapter 6; the normal approximation).
"""

from __future__ import annotations

from statistics import NormalDist

_NORMAL = NormalDist()


def detectable_difference(
    deviation: float, users: int, *, power: float = 0.8, level: float = 0.05
) -> float:
    """Return the smallest mean difference that `users` users tell from noise.

    >>> round(detectable_difference(0.1, 400), 4)
    0.014
    """
    reach = _NORMAL.inv_cdf(1 - level / 2) + _NORMAL.inv_cdf(power)
    return float(reach * deviation / users**0.5)


def power_of(difference: float, deviation: float, users: int, *, level: float = 0.05) -> float:
    """Return how often a real mean `difference` is found, whichever its sign.

    >>> round(power_of(0.014, 0.1, 400), 2)
    0.8
    """
    away = abs(difference) * users**0.5 / deviation
    edge = _NORMAL.inv_cdf(1 - level / 2)
    return _NORMAL.cdf(away - edge) + _NORMAL.cdf(-away - edge)
