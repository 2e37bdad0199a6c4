from statistics import NormalDist

import numpy as np
import pytest

from cfexp.analysis.power import detectable_difference
from cfexp.analysis.significance import LEVEL, paired_differences


def power_of(difference: float, deviation: float, users: int) -> float:
    """How often a real mean difference is found, whichever its sign."""
    away = abs(difference) * users**0.5 / deviation
    edge = NormalDist().inv_cdf(1 - LEVEL / 2)
    return NormalDist().cdf(away - edge) + NormalDist().cdf(-away - edge)


def test_power_and_detectable_difference_are_inverse() -> None:
    smallest = detectable_difference(0.2, 900)
    assert smallest == pytest.approx((1.959964 + 0.841621) * 0.2 / 30, rel=1e-5)
    assert power_of(smallest, 0.2, 900) == pytest.approx(0.8, abs=1e-4)
    assert power_of(0, 0.2, 900) == pytest.approx(0.05)


def test_a_real_difference_is_found_as_often_as_predicted() -> None:
    rng = np.random.default_rng(0)
    users, pairs, noise = 6_000, 200, 0.09
    taste = (rng.random(users) < 0.2) * rng.random(users)
    better = 1.03 * taste
    gain = float(better.mean() - taste.mean())
    found = paired_differences(better, [taste + rng.normal(0, noise, users) for _ in range(pairs)])
    share = np.mean([one.p < LEVEL and one.mean > 0 for one in found])
    expected = power_of(gain, np.hypot(noise, (better - taste).std()), users)
    assert 0.5 < expected < 0.9, "a share near 0 or 1 would show little"
    assert share == pytest.approx(expected, abs=3 * np.sqrt(expected * (1 - expected) / pairs))
