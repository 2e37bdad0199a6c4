import numpy as np
import pytest
from scipy import stats

from cfexp.analysis.significance import paired_difference
from cfexp.errors import EvaluationError


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.random(200), rng.random(200)
    found = paired_difference(first, second)
    expected = stats.ttest_rel(first, second)
    low, high = expected.confidence_interval(0.95)
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, low, high), rel=1e-9)
    assert found.mean == pytest.approx(first.mean() - second.mean(), abs=1e-15)
    assert found.users == 200


def test_a_clear_difference_has_a_direction() -> None:
    rng = np.random.default_rng(4)
    low = rng.random(500)
    high = low + 0.1 + 0.01 * rng.random(500)
    assert paired_difference(high, low).words() == "better"
    assert paired_difference(low, high).words() == "worse"
    assert paired_difference(low, high).words("minimize") == "better"


def test_noise_is_no_clear_difference() -> None:
    rng = np.random.default_rng(5)
    found = paired_difference(rng.random(50), rng.random(50))
    assert found.low < 0 < found.high
    assert found.words() == "no clear difference"


def test_identical_vectors_do_not_differ() -> None:
    same = np.linspace(0, 1, 10)
    found = paired_difference(same, same)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.words() == "no clear difference"


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(400):
        first = (rng.random(300) < 0.3).astype(float)
        second = (rng.random(300) < 0.25).astype(float)
        found = paired_difference(first, second)
        covered += found.low <= 0.05 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_users_must_match() -> None:
    with pytest.raises(EvaluationError, match="3 and 2 were given"):
        paired_difference(np.zeros(3), np.zeros(2))
    with pytest.raises(EvaluationError, match="at least 2 users, not 1"):
        paired_difference(np.zeros(1), np.zeros(1))
