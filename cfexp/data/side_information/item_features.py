"""`ItemFeatures`: what is known of items, as numbers, and the columns that it was made of."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import TypeAdapter

from cfexp.arrays import frozen
from cfexp.data.side_information.feature_column import FeatureColumn
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cfexp.arrays import AnyArray, Floats, Longs, Mask
    from cfexp.data.side_information.attributes import Attributes

FEATURES_FROM = (
    "a csv or parquet source reads them with items = { path, id } in [data]; movielens has "
    "genres, kuairec categories, synthetic made-up audio features; in Python, "
    "fit(matrix, item_features=...)"
)
"""Where item features come from, for messages."""
_COLUMNS = TypeAdapter(tuple[FeatureColumn, ...])
_NAMED = 4
"""How many columns are named to people."""


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """One row of features per item code: float32, NaN where unknown, else finite.

    `columns` say what they were made of. `missing` is how many items are described by
    nothing, `unused` how many described items are not among the interactions, and
    `left_out` why a column is not among the features. `texts` are the columns of kinds as they
    were read, from which `among` chooses values anew.
    """

    columns: tuple[FeatureColumn, ...]
    values: Floats
    missing: int = 0
    unused: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, AnyArray] = field(default_factory=dict)

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
        texts = {one.name: table.columns[one.name] for one in columns if one.values is not None}
        return cls(tuple(columns), values, missing, table.unused, left_out, texts)

    def among(self, learnt: Mask) -> ItemFeatures:
        """Return the features that are chosen by looking at the items that are learnt from alone.

        Of a column of kinds these are the values that two of them have, the most frequent ones;
        it is left out where there are none.
        """
        columns, blocks, start = [], [], 0
        for column in self.columns:
            end = start + len(column.features)
            block, start = self.values[:, start:end], end
            if column.name in self.texts:
                texts = self.texts[column.name]
                made = FeatureColumn.of(column.name, texts[learnt], column.separator)
                if made != column:
                    column, block = made, made.encoded(texts)  # noqa: PLW2901 - as it is chosen now
            if column.features:
                columns.append(column)
                blocks.append(block)
        if tuple(columns) == self.columns:
            return self
        values = np.concatenate([self.values[:, :0], *blocks], axis=1)
        return dataclasses.replace(self, columns=tuple(columns), values=values)

    def taken(self, codes: Longs) -> ItemFeatures:
        """Return the features of some of the items, counted anew."""
        values = self.values[codes]
        missing = int(np.isnan(values).all(axis=1).sum())
        described = len(self) - self.missing
        return dataclasses.replace(
            self,
            values=values,
            missing=missing,
            unused=self.unused + described - (len(codes) - missing),
            texts={name: column[codes] for name, column in self.texts.items()},
        )

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
        return _some(
            one.name if one.values is None else f"{one.name} ({len(one.values)} values)"
            for one in self.columns
        )

    @property
    def reasons(self) -> dict[str, str]:
        """Why columns were left out, for people: each reason and the columns it is true of."""
        return {
            reason: _some(name for name, why in self.left_out.items() if why == reason)
            for reason in dict.fromkeys(self.left_out.values())
        }

    @property
    def digest(self) -> str:
        """A hash that does not depend on the machine."""
        digest = hashlib.blake2b(self.described().encode(), digest_size=16)
        digest.update(np.where(np.isnan(self.values), np.float32(np.inf), self.values).tobytes())
        return digest.hexdigest()

    def described(self) -> str:
        """Return the columns as JSON, which `from_described` reads."""
        return _COLUMNS.dump_json(self.columns).decode()

    @classmethod
    def from_described(cls, text: str, values: Floats) -> Self:
        """Return features of these columns; ValueError for a text of others."""
        return cls(_COLUMNS.validate_json(text), values)


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(known[:_NAMED]) + more


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
