"""Delimited text to Arrow columns: in parallel, memory-mapped or expanded as it is read.

The fast way reads typed columns. When that fails, the file is read again as plain text
so that the rows at fault can be counted and shown.
"""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from cfexp.data.files.compression import codec_of
from cfexp.data.files.csv_text import LONGEST, CsvText
from cfexp.data.rows.columns import UNIX
from cfexp.data.rows.messages import SHOWN, broken, positions
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEXT = pa.dictionary(pa.int32(), pa.string())
_BLOCK = 1 << 23
"""Bytes that are cut into rows at a time, each with a dictionary of its own: no row is longer.

At 1 MiB, 25 million rows take twice as long: a dictionary is hardly shorter than its block.
"""


@dataclass(frozen=True)
class CsvReader(CsvText):
    """Reads the columns of one file, and shows its lines in messages."""

    time_format: str = "auto"

    def names(self) -> list[str]:
        """Return the names of the columns."""
        with self._readable():
            return self.first().columns

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role: ids and titles as text."""
        try:
            with self._readable():
                return self._read(roles)
        finally:  # of many files, one at a time is held; messages rewrite theirs anew
            vars(self).pop("rewritten", None)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror or error}") from error

    def _read(self, roles: Mapping[str, int | str]) -> pa.Table:
        first = self.first()
        at = positions(self.file, roles, first.columns)
        texts = (place for role, place in at.items() if role not in {"value", "time"})
        types = dict.fromkeys(texts, _TEXT)
        if "value" in at:
            types.setdefault(at["value"], pa.float64())
        if "time" in at and self.time_format not in {"auto", *UNIX}:
            types.setdefault(at["time"], _TEXT)
        read = _Layout(
            len(first.columns), first.last if self.header else 0, types, sorted(set(at.values()))
        )
        try:
            table = self._parse(read, use_threads=True)
        except pa.ArrowException:
            table = self._read_carefully(read)
        return pa.table({role: table.column(str(position)) for role, position in at.items()})

    def _read_carefully(self, read: _Layout) -> pa.Table:
        """Read every column as text; DataError for lines that cannot be cut into columns."""
        if self.header and len([*zip(range(2), self.lines(), strict=False)]) == 1:
            return pa.table({str(column): pa.array([], _TEXT) for column in read.columns})
        self.check_text()
        ragged = 0

        def note(_: object) -> str:
            nonlocal ragged
            ragged += 1
            return "skip"

        read = _Layout(read.width, read.skip, dict.fromkeys(read.columns, _TEXT), read.columns)
        try:
            table = self._parse(read, use_threads=False, invalid_row_handler=note)
        except pa.ArrowException as error:
            if "straddl" in str(error):  # a row does not fit into a block
                raise DataError(
                    f"{self.file}: a row is longer than {_BLOCK >> 20} MiB; {self.cutting}"
                ) from error
            raise DataError(f"{self.file}: {error}; {self.cutting}") from error
        if ragged:
            rule = f"every row must have {read.width} columns, as the first line has"
            raise broken(
                self.file, rule, self._of_other_widths(read.width), ragged, len(table) + ragged
            )
        return table

    def _of_other_widths(self, width: int) -> list[str]:
        """Return the first rows that have more or fewer columns than `width`, as shown."""
        found = (
            f"line {line.first}: {line.text}" for line in self.lines() if len(line.columns) != width
        )
        return [text for _, text in zip(range(SHOWN), found, strict=False)]

    def _parse(self, read: _Layout, *, use_threads: bool, **parsing: Any) -> pa.Table:  # noqa: ANN401
        with self._source() as (source, quoted):
            return pa_csv.read_csv(
                source,
                pa_csv.ReadOptions(
                    column_names=[str(column) for column in range(read.width)],
                    skip_rows=read.skip,
                    use_threads=use_threads,
                    block_size=_BLOCK,
                ),
                pa_csv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char=self.quoting or False,
                    # costs a pass that is not parallel, so only where quotes occur at all
                    newlines_in_values=quoted,
                    **parsing,
                ),
                pa_csv.ConvertOptions(
                    column_types={str(column): kind for column, kind in read.types.items()},
                    include_columns=[str(column) for column in read.columns],
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )

    @contextlib.contextmanager
    def _source(self) -> Iterator[tuple[Any, bool]]:
        """Give the content as Arrow reads it, and whether a quote occurs in it at all."""
        data, quote = self.rewritten, self.quoting.encode()
        if data is not None:
            yield pa.BufferReader(data), bool(quote) and quote in data
        elif codec_of(self.file) is not None:
            with self.stream() as stream:
                blocks = iter(lambda: stream.read(LONGEST), b"")
                quoted = bool(quote) and any(quote in block for block in blocks)
            with self.stream() as stream:
                yield pa.PythonFile(stream, "r"), quoted
        else:
            with self.file.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                quoted = bool(quote) and mapped.find(quote) >= 0
                mapped.close()
            yield pa.memory_map(str(self.file)), quoted


@dataclass(frozen=True)
class _Layout:
    """How a file is cut: columns per row, lines before the rows, columns read and their types."""

    width: int
    skip: int
    types: dict[int, pa.DataType]
    columns: list[int]
