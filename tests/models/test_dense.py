"""The inverse by tiles."""

from __future__ import annotations

import numpy as np
import pytest

from cfexp.models.dense import invert


@pytest.mark.parametrize("n", [1, 7, 256, 257, 700])
def test_inverse(n: int) -> None:
    x = np.random.default_rng(n).random((n + 9, n))
    matrix = x.T @ x + np.eye(n)
    one, two, three = (invert(matrix.copy(), threads) for threads in (1, 2, 3))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)
    np.testing.assert_allclose(one, np.linalg.inv(matrix), rtol=1e-7, atol=1e-10)


def test_what_has_no_cholesky_factor_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        invert(-np.eye(3))
