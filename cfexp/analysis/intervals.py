"""95% intervals of a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Doubles


def half_width(values: Doubles) -> float:
    """Return half the width of the 95% interval of the mean of at least two `values`.

    Student's t: t_{0.975, n-1} s / sqrt(n), with s the standard deviation over n - 1.
    """
    from scipy import stats

    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(stats.t.ppf(0.975, len(values) - 1) * error)
