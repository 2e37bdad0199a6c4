"""`Attributes`: what is known of users, or of items, besides their rows: age, country, tempo."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cfexp.arrays import frozen, load_arrays, save_arrays
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cfexp.arrays import AnyArray, Longs, Mask
    from cfexp.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns of one entry per user (or item) code, each of numbers or of text.

    Numbers are float64, NaN where unknown; text is str, "" where unknown. `missing` is
    how many users the table tells nothing of, `unused` how many of its rows are of nobody
    in the interactions. `lists` are the columns whose texts hold several values each.
    """

    columns: Mapping[str, AnyArray] = field(default_factory=dict)
    missing: int = 0
    unused: int = 0
    lists: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        columns = {name: frozen(column) for name, column in self.columns.items()}
        object.__setattr__(self, "columns", MappingProxyType(columns))
        if len({len(column) for column in columns.values()}) > 1:
            raise DataError("columns of attributes must be equally long")

    @classmethod
    def joined(
        cls, vocabulary: Vocabulary, table: Vocabulary, columns: Mapping[str, AnyArray]
    ) -> Attributes:
        """Return the columns of a table with a row for each of its ids, in a vocabulary's order.

        Ids join exactly; an integer is the text that Python prints of it. Columns are
        float64 or str.
        """
        import pandas as pd

        known, ids = vocabulary.ids, table.ids
        if known.dtype.kind != ids.dtype.kind:
            known, ids = known.astype(str).astype(object), ids.astype(str).astype(object)
        place = pd.Index(ids).get_indexer(pd.Index(known))
        absent = place < 0
        found: dict[str, AnyArray] = {}
        for name, column in columns.items():
            unknown = np.nan if column.dtype.kind == "f" else ""
            filled = np.append(column, np.asarray([unknown], column.dtype))
            found[name] = filled[place]  # the last, -1, is unknown
        used = len(known) - int(absent.sum())
        return cls(found, missing=_undescribed(found, absent), unused=len(ids) - used)

    def only(self, names: Iterable[str]) -> Attributes:
        """Return those columns of `names` that there are."""
        columns = {name: self.columns[name] for name in names if name in self.columns}
        return Attributes(columns, self.missing, self.unused)

    def taken(self, codes: Longs) -> Attributes:
        """Return what is known of some of the users, counted anew."""
        columns = {name: column[codes] for name, column in self.columns.items()}
        missing = _undescribed(columns, np.zeros(len(codes), bool))
        before = max((len(column) for column in self.columns.values()), default=0) - self.missing
        unused = self.unused + max(before - (len(codes) - missing), 0)
        return dataclasses.replace(self, columns=columns, missing=missing, unused=unused)

    def digest(self, names: Iterable[str]) -> str:
        """Return a hash of columns that does not depend on the machine."""
        digest = hashlib.blake2b(digest_size=16)
        for name, column in self.only(sorted(names)).columns.items():
            texts = map(str, column.tolist())
            digest.update("\0".join([name, *texts]).encode())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write an .npz without objects; the file appears whole or not at all."""
        arrays = {f"column/{name}": column for name, column in self.columns.items()}
        counts = np.array([self.missing, self.unused])
        save_arrays(path, {"counts": counts, **arrays}, compressed=True)

    @classmethod
    def load(cls, path: Path) -> Attributes:
        """Read what `save` wrote; DataError for anything else."""
        arrays = load_arrays(path)
        if np.shape(arrays.get("counts", ())) != (2,):
            raise DataError(f"{path} is no file of user attributes")
        missing, unused = arrays.pop("counts").tolist()
        columns = {name.removeprefix("column/"): column for name, column in arrays.items()}
        return cls(columns, missing=missing, unused=unused)


def _undescribed(columns: Mapping[str, AnyArray], absent: Mask) -> int:
    """Return how many entries no column tells anything of; those `absent` where there is none."""
    if columns:
        unknown = [
            np.isnan(column) if column.dtype.kind == "f" else column == ""
            for column in columns.values()
        ]
        absent = np.logical_and.reduce(unknown)
    return int(np.count_nonzero(absent))
