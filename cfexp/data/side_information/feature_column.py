"""`FeatureColumn`: how a column of a table becomes features.

A column of amounts is one feature. A column of kinds (genre, key) is one feature per value,
1 where the item has it and else 0; a column of lists ("Action|Comedy") likewise, with as
many ones as the item has values. What is unknown is NaN in all features of its column.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Floats

MOST = 200
"""How many values of a column become features, the most frequent ones."""
_FEWEST = 2
"""How many items must have a value: what one item alone has says nothing of another."""


@dataclass(frozen=True)
class FeatureColumn:
    """How a column becomes features.

    `values` are the values that become one each, None for a column of amounts; `separator`
    stands between the values of a column of lists.
    """

    name: str
    values: tuple[str, ...] | None = None
    separator: str | None = None

    @classmethod
    def of(cls, name: str, column: AnyArray, separator: str | None = None) -> FeatureColumn:
        """Return the features of a column of numbers (NaN unknown) or of text ("" unknown)."""
        if column.dtype.kind == "f":
            return cls(name)
        have = _counted(column, separator)
        often = sorted(
            (value for value, count in have.items() if count >= _FEWEST),
            key=lambda value: (-have[value], value),
        )
        return cls(name, tuple(sorted(often[:MOST])), separator)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features: `tempo`, or `genres=Rock` and others."""
        if self.values is None:
            return (self.name,)
        return tuple(f"{self.name}={value}" for value in self.values)

    def strange(self, column: AnyArray) -> list[str]:
        """Return the values in a column of kinds that are no features."""
        if self.values is None:
            return []
        return sorted(_counted(column, self.separator).keys() - set(self.values))

    def encoded(self, column: AnyArray) -> Floats:
        """Return items x features, float32; DataError where amounts are not finite numbers."""
        if self.values is None:
            return _amounts(self.name, column)[:, None]
        place = {value: number for number, value in enumerate(self.values)}
        texts, of_item = np.unique(np.asarray(column, np.str_), return_inverse=True)
        found = np.zeros((len(texts), len(place)), np.float32)
        for row, text in zip(found, texts.tolist(), strict=True):
            own = _values(text, self.separator)
            row[:] = 0 if own else np.nan
            row[[place[value] for value in own if value in place]] = 1
        whole: Floats = found[of_item]
        return whole


def _counted(column: AnyArray, separator: str | None) -> Counter[str]:
    """Return how many items have each value."""
    have: Counter[str] = Counter()
    for text, count in zip(*map(list, np.unique(column, return_counts=True)), strict=True):
        have.update(dict.fromkeys(_values(str(text), separator), int(count)))
    return have


def _values(text: str, separator: str | None) -> list[str]:
    """Return the different values of a cell."""
    parts = [text] if separator is None else text.split(separator)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _amounts(name: str, column: AnyArray) -> Floats:
    given = np.asarray(column)
    try:  # of a list, Python's own words name the value
        amounts = np.asarray(given.tolist() if given.dtype.kind == "U" else given, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"item feature {name!r} holds numbers: {error}") from error
    with np.errstate(over="ignore"):
        found: Floats = amounts.astype(np.float32)
    if (wrong := np.flatnonzero(np.isinf(found))).size:
        raise DataError(
            f"item feature {name!r}: amounts must be finite in float32; {wrong.size:,} of "
            f"{len(found):,} are not, the first is {amounts[wrong[0]]:g}; leave it empty where it "
            "is unknown"
        )
    return found
