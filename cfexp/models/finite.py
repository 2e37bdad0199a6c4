"""Numbers that ceased to be numbers: told where they arise, before a list is made of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray
    from cfexp.data.positives import Positives

SMALLER = "take smaller values, or set binary = true"
MILDER = 'raise the regularization, or lower alpha and recency, or take confidence = "log"'
"""What to do about ALS."""


def refuse_infinite(numbers: AnyArray, what: str, instead: str) -> None:
    """Raise TrainingError unless all numbers are finite; `instead` is the way out.

    Allocates nothing, however large the array.
    """
    ends = (numbers.min(initial=0), numbers.max(initial=0))  # NaN is both
    if not np.isfinite(ends).all():
        raise TrainingError(f"{what} must be finite, not {ends[0]:g} to {ends[1]:g}; {instead}")


@contextmanager
def overflow_told(name: str, positives: Positives) -> Iterator[None]:
    """Raise a TrainingError for what a library says of values too large for it."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except (ValueError, np.linalg.LinAlgError) as error:
        raise TrainingError(
            f"{name} failed on values up to {positives.data.max():g}: {error}; {SMALLER}"
        ) from error
