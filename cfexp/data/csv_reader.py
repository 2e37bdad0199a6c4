"""Delimited text to Arrow columns: in parallel and memory-mapped where the file allows.

The fast way reads typed columns. When that fails, the file is read again as plain text
so that the rows at fault can be counted and shown.
"""

from __future__ import annotations

import csv
import io
import mmap
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.csv as pa_csv

from cfexp.data.messages import SHOWN, broken, positions
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_UNIT = "\x1f"
"""The ASCII unit separator: stands in for separators that are not one ASCII character."""
_LONGEST = 1 << 20
"""Bytes that are parsed at once: no row may be longer."""
_TEXT = pa.dictionary(pa.int32(), pa.string())


class _Line(NamedTuple):
    """One row of the file: its first and last line from 1, its text and its columns."""

    first: int
    last: int
    text: str
    columns: list[str]


@dataclass(frozen=True)
class CsvReader:
    """Reads the columns of one file, and shows its lines in messages."""

    file: Path
    separator: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    time_format: str = "auto"

    @property
    def _single(self) -> bool:
        return len(self.separator) == 1 and self.separator.isascii()

    @property
    def _delimiter(self) -> str:
        return self.separator if self._single else _UNIT

    @property
    def _quote(self) -> str:
        return self.quote if self._single else ""

    @cached_property
    def _rewritten(self) -> bytes | None:
        """The file as UTF-8 with one-byte separators, None where it is so already."""
        utf8 = self.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "ascii"}
        if utf8 and self._single and self.file.stat().st_size:
            return None
        data = self.file.read_bytes()
        if not utf8:
            try:
                data = data.decode(self.encoding).encode()
            except UnicodeError as error:
                line, reason = 1, str(error)
                if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
                    before = error.object[: error.start]
                    newline = b"\n" if isinstance(before, bytes) else "\n"
                    line, reason = before.count(newline) + 1, error.reason  # type: ignore[arg-type]
                raise self._wrong_encoding(line, reason) from error
        return data if self._single else data.replace(self.separator.encode(), _UNIT.encode())

    def _check_text(self) -> None:
        """Raise DataError at the first line that is not in the encoding."""
        with self._stream() as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    raise self._wrong_encoding(number, error.reason) from error

    def _wrong_encoding(self, line: int, reason: str) -> DataError:
        other = "latin-1" if self.encoding.lower().startswith("utf") else "utf-8"
        return DataError(
            f"{self.file}: line {line} is not {self.encoding} text ({reason}); "
            f"did you mean encoding = {other!r}?"
        )

    def _stream(self) -> io.BufferedReader | io.BytesIO:
        data = self._rewritten
        return self.file.open("rb") if data is None else io.BytesIO(data)

    def _lines(self) -> Iterator[_Line]:
        """Yield every row that is not empty; DataError where a column has no end."""
        with self._stream() as stream:
            raw: list[str] = []
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
            parsed = csv.reader(
                (raw.append(line) or line for line in text),  # type: ignore[func-returns-value]
                delimiter=self._delimiter,
                quotechar=self._quote or None,
                quoting=csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE,
            )
            try:
                for columns in parsed:
                    if columns:
                        row = "".join(raw).strip("\r\n").replace(_UNIT, self.separator)
                        last = parsed.line_num
                        yield _Line(last - len(raw) + 1, last, row, columns)
                    raw.clear()
            except csv.Error as error:
                raise DataError(
                    f"{self.file}: the row at line {parsed.line_num - len(raw) + 1} cannot be cut "
                    f"into columns of at most {csv.field_size_limit():,} characters; "
                    f"{self._cutting}"
                ) from error

    @property
    def _cutting(self) -> str:
        """What to look at when rows come out too long."""
        quote = f", or a quote {self.quote!r} left open (quote = '' is none)" if self._quote else ""
        return f"is it not separated by {self.separator!r}{quote}?"

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: its line number and text."""
        wanted = {row + self.header for row in rows}
        shown = []
        try:
            for row, line in enumerate(self._lines()):
                if row in wanted:
                    shown.append(f"line {line.first}: {line.text}")
                    if len(shown) == len(wanted):
                        break
        except DataError:  # the lines before are not at fault, but too long to be shown
            shown += [f"row {row + 1}" for row in sorted(rows)[len(shown) :]]
        return shown

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role: ids and titles as text."""
        try:
            return self._read(roles)
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror or error}") from error

    def first(self) -> _Line:
        """Return the first row; DataError where there is none."""
        first = next(self._lines(), None)
        if first is None:
            raise DataError(f"{self.file}: the file is empty")
        if "\ufffd" in first.text:
            self._check_text()
        return first

    def _read(self, roles: Mapping[str, int | str]) -> pa.Table:
        first = self.first()
        at = positions(self.file, roles, first.columns)
        texts = (at[role] for role in roles if role not in {"value", "time"} and role in at)
        types = dict.fromkeys(texts, _TEXT)
        if "value" in at:
            types.setdefault(at["value"], pa.float64())
        if "time" in at and self.time_format not in {"auto", "unix", "unix_ms"}:
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
        if self.header and len([*zip(range(2), self._lines(), strict=False)]) == 1:
            return pa.table({str(column): pa.array([], _TEXT) for column in read.columns})
        self._check_text()
        ragged: list[tuple[int, str]] = []

        def note(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
            ragged.append((row.number, row.text.replace(_UNIT, self.separator)))
            return "skip"

        read = _Layout(read.width, read.skip, dict.fromkeys(read.columns, _TEXT), read.columns)
        try:
            table = self._parse(read, use_threads=False, invalid_row_handler=note)
        except pa.ArrowException as error:
            if "straddl" in str(error):  # a row does not fit into a block
                raise DataError(
                    f"{self.file}: a row is longer than {_LONGEST >> 20} MiB; {self._cutting}"
                ) from error
            raise DataError(f"{self.file}: {error}; {self._cutting}") from error
        if ragged:
            rule = f"every row must have {read.width} columns, as the first line has"
            lines = [f"line {number}: {text}" for number, text in ragged[:SHOWN]]
            raise broken(self.file, rule, lines, len(ragged), table.num_rows + len(ragged))
        return table

    def _parse(self, read: _Layout, *, use_threads: bool, **parsing: Any) -> pa.Table:  # noqa: ANN401
        data = self._rewritten
        if data is None:
            with self.file.open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
                quoted = bool(self._quote) and mapped.find(self._quote.encode()) >= 0
                mapped.close()
            source: Any = pa.memory_map(str(self.file))
        else:
            quoted = bool(self._quote) and self._quote.encode() in data
            source = pa.BufferReader(data)
        return pa_csv.read_csv(
            source,
            pa_csv.ReadOptions(
                column_names=[str(column) for column in range(read.width)],
                skip_rows=read.skip,
                use_threads=use_threads,
                block_size=_LONGEST,
            ),
            pa_csv.ParseOptions(
                delimiter=self._delimiter,
                quote_char=self._quote or False,
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


@dataclass(frozen=True)
class _Layout:
    """How a file is cut: columns per row, lines before the rows, columns read and their types."""

    width: int
    skip: int
    types: dict[int, pa.DataType]
    columns: list[int]
