"""The bytes, lines and columns of a delimited text file, and how messages show them."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cfexp.data.files.compression import opened
from cfexp.errors import DataError
from cfexp.memory import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LONGEST = 1 << 20
"""Bytes that are parsed at once: no row may be longer."""
UNIT = "\x1f"
"""The ASCII unit separator: stands in for separators that are not one ASCII character."""


class Line(NamedTuple):
    """One row of the file: its first and last line from 1, its text and its columns."""

    first: int
    last: int
    text: str
    columns: list[str]


@dataclass(frozen=True)
class CsvText:
    """One file of delimited text, and how it is written."""

    file: Path
    separator: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"

    @property
    def single(self) -> bool:
        """Whether the separator is one ASCII character, as parsers need it."""
        return len(self.separator) == 1 and self.separator.isascii()

    @property
    def delimiter(self) -> str:
        """What separates columns for a parser, of the file or of `rewritten`."""
        return self.separator if self.single else UNIT

    @property
    def quoting(self) -> str:
        """The quote that has a meaning, "" for none."""
        return self.quote if self.single else ""

    @cached_property
    def rewritten(self) -> bytes | None:
        """The content as UTF-8 with one-byte separators, None where it is so already."""
        utf8 = self.encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        if utf8 and self.single and self.file.stat().st_size:
            return None
        data = self._whole()
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
        return data if self.single else data.replace(self.separator.encode(), UNIT.encode())

    def _whole(self) -> bytes:
        """Return the content, expanded; DataError where there is no memory to rewrite it."""
        blocks: list[bytes] = []
        size = 0
        with opened(self.file) as stream:
            for block in iter(lambda: stream.read(LONGEST), b""):
                blocks.append(block)
                size += len(block)
                needs(
                    f"{self.file}, which is rewritten before it is cut,",
                    2 * max(size, self.file.stat().st_size),
                    "write it as UTF-8 text with a separator of one ASCII character",
                )
        return b"".join(blocks)

    def check_text(self) -> None:
        """Raise DataError at the first line that is not in the encoding."""
        with self.stream() as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    raise self._wrong_encoding(number, error.reason) from error

    def _wrong_encoding(self, line: int, reason: str) -> DataError:
        other = "latin-1" if self.encoding.lower().startswith("utf") else "utf-8"
        with self.file.open("rb") as stream:
            if stream.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                other = "utf-16"
        return DataError(
            f"{self.file}: line {line} is not {self.encoding} text ({reason}); "
            f"did you mean encoding = {other!r}?"
        )

    def stream(self) -> io.BufferedReader | io.BytesIO:
        """Open the file, or what stands in for it."""
        data = self.rewritten
        return opened(self.file) if data is None else io.BytesIO(data)

    def lines(self) -> Iterator[Line]:
        """Yield every row that is not empty; DataError where a column has no end."""
        with self.stream() as stream:
            raw: list[str] = []
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
            # of a line that has no end, no more than is needed to see it
            cut = iter(lambda: text.readline(LONGEST), "")
            parsed = csv.reader(
                (raw.append(line) or line for line in cut),  # type: ignore[func-returns-value]
                delimiter=self.delimiter,
                quotechar=self.quoting or None,
                quoting=csv.QUOTE_MINIMAL if self.quoting else csv.QUOTE_NONE,
            )
            try:
                for columns in parsed:
                    if columns:
                        row = "".join(raw).strip("\r\n").replace(UNIT, self.separator)
                        last = parsed.line_num
                        yield Line(last - len(raw) + 1, last, row, columns)
                    raw.clear()
            except csv.Error as error:
                raise DataError(
                    f"{self.file}: the row at line {parsed.line_num - len(raw) + 1} cannot be cut "
                    f"into columns of at most {csv.field_size_limit():,} characters; "
                    f"{self.cutting}"
                ) from error

    def first(self) -> Line:
        """Return the first row; DataError where there is none."""
        first = next(self.lines(), None)
        if first is None:
            raise DataError(f"{self.file}: the file is empty")
        if "\ufffd" in first.text:
            self.check_text()
        if "\0" in first.text:
            other = "utf-16-be" if first.text.startswith("\0") else "utf-16-le"
            raise DataError(
                f"{self.file}: line 1 holds NUL characters, as text in UTF-16 does; did you mean "
                f"encoding = {other!r}?"
            )
        return first

    @property
    def cutting(self) -> str:
        """What to look at when rows come out too long."""
        quote = (
            f", or a quote {self.quote!r} left open (quote = '' is none)" if self.quoting else ""
        )
        return f"is it not separated by {self.separator!r}{quote}?"

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: its line number and text."""
        wanted = {row + self.header for row in rows}
        shown = []
        try:
            for row, line in enumerate(self.lines()):
                if row in wanted:
                    shown.append(f"line {line.first}: {line.text}")
                    if len(shown) == len(wanted):
                        break
        except DataError:  # the lines before are not at fault, but too long to be shown
            shown += [f"row {row + 1}" for row in sorted(rows)[len(shown) :]]
        return shown
