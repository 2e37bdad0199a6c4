"""Rows sorted within users are as NumPy's own sort by several keys has them."""

from __future__ import annotations

import numpy as np
import pytest

from cfexp.data.rows.ordering import sorted_within
from cfexp.data.rows.row_order import lexsorted


@pytest.mark.parametrize("n", [0, 1, 5_000])
@pytest.mark.parametrize("groups", [1, 7, 3_000])
@pytest.mark.parametrize("n_keys", [0, 1, 2])
def test_as_lexsort(n: int, groups: int, n_keys: int) -> None:
    rng = np.random.default_rng(n + groups)
    codes = rng.integers(0, groups, n).astype(np.int32)
    # with ties, negative numbers, and some groups that are sorted as they stand
    keys = tuple(np.sort(rng.integers(-9, 9, n)) ** (place + 1) for place in range(n_keys))
    for kind in (np.int32, np.int64):
        given = tuple(key.astype(kind) for key in keys)
        found = sorted_within(codes, given, np.bincount(codes, minlength=groups))
        np.testing.assert_array_equal(found, np.lexsort((*given, codes)))


@pytest.mark.parametrize("n", [0, 1, 2, 400])
@pytest.mark.parametrize("times", [1, 20, 2_000, 10**9])
def test_ties_alone_are_sorted_by_the_other_keys(n: int, times: int) -> None:
    rng = np.random.default_rng(n + times)
    keys = [rng.random(n).astype(np.float32), rng.integers(3, size=n), rng.integers(times, size=n)]
    np.testing.assert_array_equal(lexsorted(keys), np.lexsort(keys))
