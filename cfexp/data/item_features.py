"""`ItemFeatures`: what is known of items, as numbers: amounts, and ones for what they are.

A column of amounts is one feature. A column of kinds (genre, key) is one feature per value,
1 where the item has it and else 0; a column of lists ("Action|Comedy") likewise, with as
many ones as the item has values. What is unknown is NaN in all features of its column.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cfexp.arrays import frozen
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfexp.arrays import AnyArray, Floats
    from cfexp.data.attributes import Attributes

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
        have: Counter[str] = Counter()
        for text, count in zip(*map(list, np.unique(column, return_counts=True)), strict=True):
            have.update(dict.fromkeys(_values(str(text), separator), int(count)))
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


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """One row of features per item code: float32, NaN where unknown, else finite.

    `columns` say what they were made of. `missing` is how many items are described by
    nothing, `unused` how many described items are not among the interactions, and
    `left_out` why a column is not among the features.
    """

    columns: tuple[FeatureColumn, ...]
    values: Floats
    missing: int = 0
    unused: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, np.float32)
        width = len(self.names)
        if values.ndim != 2 or values.shape[1] != width:  # noqa: PLR2004 - items x features
            raise DataError(f"item features have shape {values.shape}, expected items x {width}")
        if np.isinf(values).any():
            raise DataError("item features must be finite, or NaN where they are unknown")
        object.__setattr__(self, "values", frozen(values))
        object.__setattr__(self, "left_out", MappingProxyType(dict(self.left_out)))

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, given: Any) -> ItemFeatures:  # noqa: ANN401 - whatever NumPy reads
        """Return `given` itself if it is ItemFeatures, else those of an items x features array.

        NaN is unknown. Raises DataError for what is no such array.
        """
        if isinstance(given, ItemFeatures):
            return given
        try:
            values = np.asarray(given, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"item features are numbers, items x features: {error}") from error
        if values.ndim != 2:  # noqa: PLR2004
            raise DataError(f"item features are items x features, not of shape {values.shape}")
        missing = int(np.isnan(values).all(axis=1).sum())
        names = tuple(FeatureColumn(f"feature {n + 1}") for n in range(values.shape[1]))
        return cls(names, values, missing)

    @classmethod
    def of_columns(
        cls, table: Attributes, separators: Mapping[str, str] | None = None
    ) -> ItemFeatures:
        """Return the features of a table's columns; those that tell nothing are left out.

        `separators` name the columns of lists. A column tells nothing when no item has a
        value, when all have the same, or when no two items share one.
        """
        columns, blocks, left_out = [], [], {}
        for name, column in table.columns.items():
            made = FeatureColumn.of(name, column, (separators or {}).get(name))
            block = made.encoded(column)
            if reason := _says_nothing(made, column, block):
                left_out[name] = reason
            else:
                columns.append(made)
                blocks.append(block)
        n_items = max((len(column) for column in table.columns.values()), default=0)
        values = np.concatenate([np.zeros((n_items, 0), np.float32), *blocks], axis=1)
        missing = int(np.isnan(values).all(axis=1).sum())
        return cls(tuple(columns), values, missing, table.unused, left_out)

    def encoded(self, columns: Mapping[str, AnyArray]) -> Floats:
        """Return the features of other items, from columns of the same names.

        A column that is not given is unknown; one that is not among these says nothing.
        """
        n_items = {len(column) for column in columns.values()}
        if len(n_items) != 1:
            raise DataError("columns of item features must be given, and equally long")
        (n,) = n_items
        blocks = [
            one.encoded(np.asarray(columns[one.name]))
            if one.name in columns
            else np.full((n, len(one.features)), np.nan, np.float32)
            for one in self.columns
        ]
        return np.concatenate([np.zeros((n, 0), np.float32), *blocks], axis=1)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every feature."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def summary(self) -> str:
        """The columns, for people: `tempo, energy, genres (12 values)`."""
        words = (
            one.name if one.values is None else f"{one.name} ({len(one.values)} values)"
            for one in self.columns
        )
        return ", ".join(words)

    @property
    def digest(self) -> str:
        """A hash that does not depend on the machine."""
        digest = hashlib.blake2b(self.described().encode(), digest_size=16)
        digest.update(np.where(np.isnan(self.values), np.float32(np.inf), self.values).tobytes())
        return digest.hexdigest()

    def described(self) -> str:
        """Return the columns as JSON, which `from_described` reads."""
        return json.dumps([asdict(column) for column in self.columns], ensure_ascii=False)

    @classmethod
    def from_described(cls, text: str, values: Floats) -> Self:
        """Return features of these columns; ValueError for a text of others."""
        columns = [
            FeatureColumn(
                str(one["name"]),
                None if one["values"] is None else tuple(map(str, one["values"])),
                one["separator"],
            )
            for one in json.loads(text)
        ]
        return cls(tuple(columns), values)


def _values(text: str, separator: str | None) -> list[str]:
    """Return the different values of a cell."""
    parts = [text] if separator is None else text.split(separator)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _amounts(name: str, column: AnyArray) -> Floats:
    try:
        amounts = np.asarray(column, np.float64)
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


def _says_nothing(made: FeatureColumn, column: AnyArray, block: Floats) -> str | None:
    """Return why a column tells no items apart, None where it does."""
    known = ~np.isnan(column) if made.values is None else column != ""
    if not known.any():
        return "no item has a value"
    if block.shape[1] == 0:
        return "no two items share a value"
    if (np.nanmax(block, axis=0) == np.nanmin(block, axis=0)).all():
        return "all items have the same value"
    return None
