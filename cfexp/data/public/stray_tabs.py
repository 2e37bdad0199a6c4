"""`StrayTabs`: tab-separated text whose last column may hold tabs itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from cfexp.data.files.csv_reader import CsvReader
from cfexp.data.rows.messages import SHOWN, broken
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_TEXT = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("s", "UTC")
_BLOCK = 1 << 22


@dataclass(frozen=True)
class StrayTabs:
    """Reads text columns, and times in ISO 8601; quotes are text, and there is no header.

    Tabs beyond the last column belong to it.
    """

    file: Path
    columns: int

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role, given by positions from 1."""
        at = {role: str(int(position) - 1) for role, position in roles.items()}
        types = {name: _TIME if role == "time" else _TEXT for role, name in at.items()}
        try:
            table = self._parse(types, use_threads=True)
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror or error}") from error
        except pa.ArrowException:
            table = self._with_stray_tabs(types)
        return pa.table({role: table[name] for role, name in at.items()})

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: its line number and text."""
        return CsvReader(self.file, "\t", "", header=False).show(rows)

    def _with_stray_tabs(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        try:
            return self._mended(types)
        except pa.ArrowInvalid:  # a time that is none: the rules will find and show it
            try:
                return self._mended(dict.fromkeys(types, _TEXT))
            except pa.ArrowInvalid as error:
                raise DataError(f"{self.file}: {error}") from error

    def _mended(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        torn: list[tuple[int, str]] = []

        def note(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
            torn.append((row.number, row.text))
            return "skip"

        table = self._parse(types, use_threads=False, invalid_row_handler=note)
        if not torn:
            return table
        cut = [text.split("\t", self.columns - 1) for _, text in torn]
        if short := [
            row for row, parts in zip(torn, cut, strict=True) if len(parts) < self.columns
        ]:
            rule = f"every row must have {self.columns} columns"
            lines = [f"line {number}: {text}" for number, text in short[:SHOWN]]
            raise broken(self.file, rule, lines, len(short), table.num_rows + len(torn))
        mended = pa.table({name: _column(cut, int(name), kind) for name, kind in types.items()})
        lines_torn = np.array([number for number, _ in torn])
        whole = np.delete(np.arange(1, table.num_rows + len(torn) + 1), lines_torn - 1)
        order = np.argsort(np.concatenate([whole, lines_torn]), kind="stable")
        return pa.concat_tables([table, mended]).take(pa.array(order))

    def _parse(
        self,
        types: Mapping[str, pa.DataType],
        *,
        use_threads: bool,
        invalid_row_handler: Callable[[Any], str] | None = None,
    ) -> pa.Table:
        return csv.read_csv(
            self.file,
            csv.ReadOptions(
                column_names=[str(number) for number in range(self.columns)],
                use_threads=use_threads,
                block_size=_BLOCK,
            ),
            csv.ParseOptions(
                delimiter="\t", quote_char=False, invalid_row_handler=invalid_row_handler
            ),
            csv.ConvertOptions(
                column_types=dict(types),
                include_columns=list(types),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )


def _column(rows: Sequence[Sequence[str]], place: int, kind: pa.DataType) -> pa.Array:
    return pa.array([row[place] or None for row in rows], pa.string()).cast(kind)
