"""Confidence by its formulas."""

from __future__ import annotations

import numpy as np

from cfexp.models.confidence import extra_confidence


def test_formulas() -> None:
    r = np.array([0.5, 1, 7], np.float32)
    linear = extra_confidence(r, "linear", 3, 1)
    log = extra_confidence(r, "log", 3, 0.5)
    np.testing.assert_allclose(linear, [1.5, 3, 21])
    np.testing.assert_allclose(log, 3 * np.log(1 + r / 0.5), rtol=1e-6)
    assert linear.dtype == log.dtype == np.float32
