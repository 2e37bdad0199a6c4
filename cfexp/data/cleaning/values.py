"""Rules on values: `values` drops rows by them, `clip` and `log` change them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.cleaning.rule import Rule
from cfexp.errors import DataError

if TYPE_CHECKING:
    from typing import Self

    from cfexp.data.interactions import Interactions


class Values(Rule):
    """Keep the rows whose value lies within bounds: `above = 0` drops zeros and negatives."""

    kind: Literal["values"] = "values"
    above: float | None = None
    """Keep rows with a value above this."""
    at_least: float | None = None
    """Keep rows with at least this value."""
    at_most: float | None = None
    """Keep rows with at most this value."""

    @model_validator(mode="after")
    def _some_bounds(self) -> Self:
        if self.above is None and self.at_least is None and self.at_most is None:
            raise ValueError("give one or more of above, at_least, at_most, such as above = 0")
        return self

    @property
    def settles_negatives(self) -> bool:
        return any(bound is not None and bound >= 0 for bound in (self.above, self.at_least))

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        kept = np.ones(len(rows), bool)
        words = []
        if self.above is not None:
            kept &= rows.value > self.above
            words.append(f"above {self.above:g}")
        if self.at_least is not None:
            kept &= rows.value >= self.at_least
            words.append(f"at least {self.at_least:g}")
        if self.at_most is not None:
            kept &= rows.value <= self.at_most
            words.append(f"at most {self.at_most:g}")
        return rows.select(kept), f"value not {' and '.join(words)}"


class Clip(Rule):
    """Set values that are lower or higher to the bound; no row is dropped."""

    kind: Literal["clip"] = "clip"
    low: float | None = None
    """Values below become this."""
    high: float | None = None
    """Values above become this."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both, such as high = 100")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low = {self.low:g} lies above high = {self.high:g}")
        return self

    @property
    def settles_negatives(self) -> bool:
        return self.low is not None and self.low >= 0

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        value = np.clip(rows.value, self.low, self.high).astype(np.float32)
        changed = int(np.count_nonzero(value != rows.value))
        bounds = {"low": self.low, "high": self.high}
        named = ", ".join(f"{name} {one:g}" for name, one in bounds.items() if one is not None)
        words = f"values clipped to {named} ({changed:,} changed)"
        return dataclasses.replace(rows, value=value), words


class Log(Rule):
    """Replace every value v by log(1 + v / scale); no row is dropped."""

    kind: Literal["log"] = "log"
    scale: Annotated[float, Field(gt=0)] = 1.0
    """What counts as little: values much smaller stay proportional."""

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        negative = int(np.count_nonzero(rows.value < 0))
        if negative:
            raise DataError(
                f"the logarithm needs values of 0 or more; {negative:,} of {len(rows):,} are "
                "negative; put { kind = 'values', above = 0 } before it"
            )
        value = np.log1p(rows.value / self.scale).astype(np.float32)
        return dataclasses.replace(rows, value=value), f"values v are log(1 + v / {self.scale:g})"
