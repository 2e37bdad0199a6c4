import time

import numpy as np
import pytest
from scipy import stats

from cfexp.analysis.significance import (
    LEVEL,
    Difference,
    corrected,
    holm,
    paired_differences,
)
from cfexp.errors import EvaluationError


def paired_difference(first: np.ndarray, second: np.ndarray) -> Difference:
    (found,) = paired_differences(first, [second])
    return found


def test_sign_flips_agree_with_scipy() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.random(200) + 0.03, rng.random(200)
    found = paired_difference(first, second)
    expected = stats.permutation_test(
        (first, second),
        lambda a, b, axis: (a - b).mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        rng=rng,
    )
    error = 2 * np.sqrt(expected.pvalue * (1 - expected.pvalue) / 10_000)
    assert 0.05 < expected.pvalue < 0.95
    assert found.p == pytest.approx(expected.pvalue, abs=4 * error)
    assert found.p_bootstrap == pytest.approx(expected.pvalue, abs=0.03)
    assert found.mean == pytest.approx(first.mean() - second.mean(), abs=1e-15)
    assert found.users == 200


def test_the_interval_is_scipys_bootstrap() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.random(200), rng.random(200)
    found = paired_difference(first, second)
    low, high = stats.bootstrap(
        (first - second,), np.mean, n_resamples=10_000, rng=rng
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.04 * (high - low))


def test_few_users_have_exact_p_values() -> None:
    found = paired_difference(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    assert found.p == pytest.approx(2 / 8, abs=0.02)


def test_a_clear_difference_has_a_direction() -> None:
    rng = np.random.default_rng(4)
    low = rng.random(500)
    high = low + 0.1 + 0.01 * rng.random(500)
    assert paired_difference(high, low).words() == "better"
    assert paired_difference(low, high).words() == "worse"
    assert paired_difference(low, high).words("minimize") == "better"


def test_sizes_of_effects() -> None:
    first, second = np.array([0.5, 0.7, 0.6]), np.array([0.4, 0.5, 0.6])
    found = paired_difference(first, second)
    assert found.effect == pytest.approx(0.1 / 0.1)
    assert found.relative == pytest.approx(0.1 / 0.5)
    assert paired_difference(first, np.zeros(3)).relative is None


def test_a_constant_difference_has_no_effect_size() -> None:
    values = np.random.default_rng(0).random(50)
    found = paired_difference(values + 0.1, values)  # 0.1 up to rounding
    assert (found.effect, found.deviation) == (None, 0)
    assert found.words() == "better"


def test_noise_is_no_clear_difference() -> None:
    rng = np.random.default_rng(5)
    found = paired_difference(rng.random(50), rng.random(50))
    assert found.low < 0 < found.high
    assert found.words() == "no clear difference"


def test_identical_vectors_do_not_differ() -> None:
    same = np.linspace(0, 1, 10)
    found = paired_difference(same, same)
    assert (found.mean, found.low, found.high, found.p, found.p_bootstrap) == (0, 0, 0, 1, 1)
    assert found.effect is None
    assert found.words() == "no clear difference"


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    first = (rng.random((300, 400)) < 0.3).astype(float)
    second = (rng.random((300, 400)) < 0.25).astype(float)
    gaps = [first[:, pair] - second[:, pair] for pair in range(400)]
    found = paired_differences(np.zeros(300), gaps, resamples=2_000)
    assert 0.92 <= np.mean([one.low <= -0.05 <= one.high for one in found]) <= 0.98


def test_equal_models_are_rarely_called_different() -> None:
    rng = np.random.default_rng(0)
    users, pairs = 1_500, 200 * 10  # 200 alone would pass or fail by chance
    taste = (rng.random(users) < 0.3) * rng.random(users)
    wrong = by_bootstrap = after_correction = 0
    for _ in range(10):
        # The tests see differences alone, so that one call compares 200 independent pairs.
        noise = [rng.normal(0, 0.1, users) * (taste > 0) for _ in range(400)]
        others = [taste + one - two for one, two in zip(noise[::2], noise[1::2], strict=True)]
        found = paired_differences(taste, others, resamples=2_000)
        wrong += sum(one.p < LEVEL for one in found)
        by_bootstrap += sum(one.p_bootstrap < LEVEL for one in found)
        after_correction += sum(
            one.words() != "no clear difference" for one in corrected(found) if one
        )
    assert 0.03 * pairs <= wrong <= 0.07 * pairs
    assert 0.03 * pairs <= by_bootstrap <= 0.07 * pairs
    assert after_correction <= 3, "one family in twenty, of ten"


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; none falls.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_a_family_is_corrected_and_gaps_stay() -> None:
    rng = np.random.default_rng(1)
    first = rng.random(100)
    family = paired_differences(first, [first + rng.normal(0.01, 0.05, 100) for _ in range(3)])
    done = corrected([family[0], None, *family[1:]])
    assert done[1] is None
    kept = [one for one in done if one is not None]
    assert [one.p_corrected for one in kept] == holm([one.p for one in family])
    assert [one.p for one in kept] == [one.p for one in family]


def test_ten_models_over_six_thousand_users_take_seconds() -> None:
    rng = np.random.default_rng(2)
    first, *others = rng.random((11, 6_000))
    began = time.process_time()
    assert len(paired_differences(first, others)) == 10
    assert time.process_time() - began < 15, "about two on an idle machine"


def test_users_must_match() -> None:
    with pytest.raises(EvaluationError, match="3 and 2 were given"):
        paired_difference(np.zeros(3), np.zeros(2))
    with pytest.raises(EvaluationError, match="at least 2 users, not 1"):
        paired_difference(np.zeros(1), np.zeros(1))
