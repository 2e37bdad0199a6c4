import numpy as np
import pytest
from scipy import stats

from cfexp.analysis.intervals import bootstrap, draws
from cfexp.errors import EvaluationError


def skewed(users: int, seed: int = 0) -> np.ndarray:
    """Values as a metric has them: most users have no hit."""
    rng = np.random.default_rng(seed)
    return (rng.random(users) < 0.15) * rng.random(users)


def test_means_agree_with_scipy() -> None:
    values = np.stack([skewed(120, 1), skewed(120, 2), np.random.default_rng(3).random(120)], 1)
    for column, found in enumerate(bootstrap(values)):
        expected = stats.bootstrap(
            (values[:, column],), np.mean, n_resamples=10_000, rng=np.random.default_rng(9)
        ).confidence_interval
        width = expected.high - expected.low
        assert found.estimate == pytest.approx(values[:, column].mean(), abs=1e-15)
        assert found.low == pytest.approx(expected.low, abs=0.04 * width)
        assert found.high == pytest.approx(expected.high, abs=0.04 * width)


def test_ratios_of_sums_agree_with_scipy() -> None:
    rng = np.random.default_rng(4)
    below = rng.integers(1, 30, 150).astype(float)
    above = rng.binomial(below.astype(int), 0.1).astype(float)
    (found,) = bootstrap(above[:, None], below[:, None])
    expected = stats.bootstrap(
        (above, below),
        lambda a, b, axis: a.sum(axis) / b.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        rng=rng,
    ).confidence_interval
    width = expected.high - expected.low
    assert found.estimate == pytest.approx(above.sum() / below.sum(), abs=1e-15)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.04 * width)


def test_a_ratio_over_ones_is_the_mean() -> None:
    values = skewed(80)[:, None]
    (mean,), (ratio,) = bootstrap(values), bootstrap(values, np.ones_like(values))
    assert (ratio.low, ratio.high) == pytest.approx((mean.low, mean.high), abs=1e-12)


def test_the_same_seed_gives_the_same_interval_whatever_stands_beside_it() -> None:
    one, other = skewed(90, 5), skewed(90, 6)
    (alone,) = bootstrap(one[:, None], seed=2)
    beside, _ = bootstrap(np.stack([one, other], axis=1), seed=2)
    assert (alone.low, alone.high) == pytest.approx((beside.low, beside.high), abs=1e-12)
    assert bootstrap(one[:, None], seed=3) != [alone]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    values = (rng.random((300, 400)) < 0.1).astype(float)
    held = [found.low <= 0.1 <= found.high for found in bootstrap(values, resamples=2_000)]
    assert 0.92 <= np.mean(held) <= 0.98


def test_constant_values_have_a_point() -> None:
    (found,) = bootstrap(np.full((10, 1), 0.25))
    assert (found.low, found.high) == (0.25, 0.25)


def test_many_users_are_resampled_less_often() -> None:
    assert draws(6_000, 10_000) == 10_000
    assert draws(360_000, 10_000) == 2_777
    assert draws(10**7, 10_000) == 2_000


def test_one_user_has_no_interval() -> None:
    with pytest.raises(EvaluationError, match="at least 2 users, not 1"):
        bootstrap(np.zeros((1, 1)))
