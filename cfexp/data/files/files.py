"""Several files read as one table: those that a pattern names; of train, validation, test."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from cfexp.data.interactions import PARTS
from cfexp.data.rows.messages import Reader
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from cfexp.data.files.places import Places


class TableReader(Reader, Protocol):
    """Reads one file, or whatever else has columns."""

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""


class Joined:
    """Reads several files one after another; positions go on from file to file.

    `parts` says for each file which part of the split its rows are, or is empty.
    """

    def __init__(self, readers: Sequence[TableReader], parts: Sequence[str] = ()) -> None:
        self.readers = readers
        self.parts = parts
        self._starts: list[int] = []

    @property
    def file(self) -> str:
        """The first file and how many more, for messages."""
        more = len(self.readers) - 1
        return f"{self.readers[0].file} and {more:,} more file{'s' if more > 1 else ''}"

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role, and `part` where files say it."""
        tables = [reader.read(roles) for reader in self.readers]
        for place, part in enumerate(self.parts):
            column = pa.repeat(part, len(tables[place]))
            tables[place] = tables[place].append_column("part", column)
        self._starts = [0]
        for table in tables:
            self._starts.append(self._starts[-1] + len(table))
        try:
            return _below_each_other(tables)
        except pa.ArrowException as error:
            raise DataError(self._unlike(tables)) from error

    def _unlike(self, tables: Sequence[pa.Table]) -> str:
        """Return which files hold columns of other types than the first one."""
        first, *others = tables
        for table, reader in zip(others, self.readers[1:], strict=True):
            for role in first.column_names:
                here, there = (_kind(one.schema.field(role).type) for one in (first, table))
                if here != there and not pa.types.is_null(there):
                    return (
                        f"the columns of {self.readers[0].file} and {reader.file} must hold the "
                        f"same types; the {role} is {here} in the one and {there} in the other; "
                        "write ids all as whole numbers or all as text"
                    )
        return f"the columns of {self.file} must hold the same types"

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: where it stands and what it holds."""
        shown = []
        for reader, (start, end) in zip(self.readers, pairwise(self._starts), strict=True):
            own = [row - start for row in rows if start <= row < end]
            name = str(reader.file).rpartition("/")[2]
            shown += [f"{name}: {line}" for line in reader.show(own)] if own else []
        return shown


def joined(
    places: Places, paths: Sequence[str | None], reader: Callable[[Path], TableReader]
) -> TableReader:
    """Return the reader of the files at `paths`, in the order of `PARTS`; None is no file.

    A path may be a pattern that several files match; DataError where a file is in two parts.
    """
    named = zip(PARTS, paths, strict=True)
    found = {part: places.find_all(path) for part, path in named if path is not None}
    of: dict[Path, str] = {}
    for part, files in found.items():
        for file in files:
            if (other := of.setdefault(file.resolve(), part)) != part:
                raise DataError(
                    f"{file} is both of {other} and of {part}; each file is of one part alone"
                )
    readers = [reader(file) for files in found.values() for file in files]
    if len(readers) == 1:
        return readers[0]
    parts = [part for part, files in found.items() for _ in files]
    return Joined(readers, parts if len(found) > 1 else ())


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


def _kind(kind: pa.DataType) -> pa.DataType:
    """Return the type of what a column holds, encoded by a dictionary or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as_text(role: str, column: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray]:
    return role, column.cast(pa.string()) if role in {"value", "time"} else column
