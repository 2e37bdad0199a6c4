"""Several files of one layout read as one table: rows of train, of validation, of test."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from cfexp.data.interactions import PARTS
from cfexp.data.messages import Reader
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from cfexp.data.places import Places


class TableReader(Reader, Protocol):
    """Reads one file."""

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""


class Joined:
    """Reads several files one after another; positions go on from file to file."""

    def __init__(self, readers: Mapping[str, TableReader]) -> None:
        self.readers = dict(readers)
        self._starts: list[int] = []

    @property
    def file(self) -> Path:
        """The first file, for messages."""
        return next(iter(self.readers.values())).file

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role, and `part`."""
        tables = {part: reader.read(roles) for part, reader in self.readers.items()}
        for part, table in tables.items():
            tables[part] = table.append_column("part", pa.repeat(part, len(table)))
        self._starts = [0]
        for table in tables.values():
            self._starts.append(self._starts[-1] + len(table))
        try:
            return _below_each_other(tables.values())
        except pa.ArrowException as error:
            names = ", ".join(str(reader.file) for reader in self.readers.values())
            raise DataError(f"the columns of {names} must hold the same types: {error}") from error

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: where it stands and what it holds."""
        shown = []
        for reader, (start, end) in zip(self.readers.values(), pairwise(self._starts), strict=True):
            own = [row - start for row in rows if start <= row < end]
            shown += [f"{reader.file.name}: {line}" for line in reader.show(own)] if own else []
        return shown


def joined(
    places: Places, paths: Sequence[str | None], reader: Callable[[Path], TableReader]
) -> TableReader:
    """Return the reader of the files at `paths`, in the order of `PARTS`; None is no file."""
    named = zip(PARTS, paths, strict=True)
    readers = {part: reader(places.find(path)) for part, path in named if path is not None}
    return Joined(readers) if len(readers) > 1 else next(iter(readers.values()))


def _below_each_other(tables: Iterable[pa.Table]) -> pa.Table:
    """Return one table; where values or times differ in type, they are text.

    One bad row makes a whole column text: the rules that find it name its file and line.
    """
    tables = list(tables)
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        texts = [
            pa.table(dict(map(_as_text, table.column_names, table.columns))) for table in tables
        ]
        return pa.concat_tables(texts, promote_options="permissive")


def _as_text(role: str, column: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray]:
    return role, column.cast(pa.string()) if role in {"value", "time"} else column
