"""How sure a value makes us: the weights of the positives in ALS's objective.

    linear    c = 1 + alpha r
    log       c = 1 + alpha log(1 + r / epsilon)

r is the raw value (a count, a rating, or 1); a pair without interaction has c = 1
(Hu, Koren & Volinsky 2008, section 4, and its equation 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Floats

ConfidenceName = Literal["linear", "log"]


def extra_confidence(values: Floats, name: ConfidenceName, alpha: float, epsilon: float) -> Floats:
    """Return c - 1 of every value, float32: how much more it weighs than no interaction."""
    bent = np.log1p(values / np.float32(epsilon)) if name == "log" else values
    return np.asarray(np.float32(alpha) * bent, np.float32)
