"""`Amount`: how many rows or users, as a whole number or as a share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from pydantic import PlainValidator

if TYPE_CHECKING:
    from cfexp.arrays import Longs

_RULE = "must be a whole number ≥ {least}, or a share between 0 and 1 such as 0.2"


def _at_least(least: int) -> PlainValidator:
    def checked(given: Any) -> int | float:  # noqa: ANN401 - whatever the file holds
        whole = isinstance(given, int) and not isinstance(given, bool) and given >= least
        if whole or (isinstance(given, float) and 0 < given < 1):
            return given  # type: ignore[no-any-return]
        raise ValueError(_RULE.format(least=least))

    return PlainValidator(checked)


Amount: TypeAlias = Annotated[int | float, _at_least(1)]
"""A count of at least 1, or a share between 0 and 1."""

AmountOrNone: TypeAlias = Annotated[int | float, _at_least(0)]
"""A count, or a share between 0 and 1."""


def rows_of(amount: float, of: Longs) -> Longs:
    """Return an amount of each of the counts `of`: itself, or a share rounded, halves up."""
    if isinstance(amount, int):
        return np.full(len(of), amount)
    # in floating point 0.145 x 100 + 0.5 is a little below 15
    shares: Longs = np.floor(amount * of + 0.5 + 1e-9).astype(np.int64)
    return shares
