"""`Kept`: the rows of a file that a data set's own rules leave, and how many they dropped."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from cfexp.data.rows.table import interactions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cfexp.arrays import Mask
    from cfexp.data.files.files import TableReader
    from cfexp.data.interactions import Interactions

Rules: TypeAlias = "Callable[[pa.Table], Mapping[str, Mask]]"
"""Says of a table's rows which each rule drops; a row that breaks two counts for the first."""


class Kept:
    """Reads a file without the rows that break a rule; knows the places of those it keeps.

    The `rules` see the columns asked for and those of `extra`.
    """

    def __init__(
        self,
        reader: TableReader,
        rules: Rules,
        extra: Mapping[str, int | str] | None = None,
    ) -> None:
        self._reader, self._rules, self._extra = reader, rules, dict(extra or {})
        self._places: Any = None
        self.dropped: dict[str, int] = {}

    @property
    def file(self) -> Path | str:
        """The file, for messages."""
        return self._reader.file

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""
        table = self._reader.read({**roles, **self._extra})
        kept = np.ones(table.num_rows, bool)
        for rule, bad in self._rules(table).items():
            if count := int((kept & bad).sum()):
                self.dropped[rule] = count
            kept &= ~bad
        self._places = np.flatnonzero(kept)
        table = table.select(list(roles))
        return table if kept.all() else table.take(pa.array(self._places))

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: where it stands and what it holds."""
        return self._reader.show([int(self._places[row]) for row in rows])


def interactions_of(
    reader: TableReader, roles: Mapping[str, int | str], time_format: str, *parts: Kept
) -> Interactions:
    """Return the rows of a reader, with what `parts` of it dropped."""
    rows = interactions(reader.read(roles), time_format, reader)
    dropped = {rule: count for part in parts for rule, count in part.dropped.items()}
    return dataclasses.replace(rows, dropped={**dropped, **rows.dropped})
