"""Item factors read from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Floats


def checked_factors(arrays: dict[str, AnyArray], n_items: int) -> Floats:
    """Return the saved item factors, or raise ValueError when they cannot be any."""
    factors = np.ascontiguousarray(arrays["item_factors"], np.float32)
    if factors.ndim != 2 or len(factors) != n_items or not np.isfinite(factors).all():  # noqa: PLR2004
        raise ValueError(f"item factors must be finite and have {n_items} rows")
    return factors
