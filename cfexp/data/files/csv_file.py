"""The `csv` source: delimited text with any separator, quoting, encoding and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from cfexp.data.files.table_file import TableFile
from cfexp.data.files.text_layout import TextLayout

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from cfexp.data.files.csv_reader import CsvReader


class Csv(TextLayout, TableFile):
    """Rows of a text file; rows without a user or an item are dropped and counted.

    Ids become integers when every id of the column is one as Python would print it,
    else they stay text: "007" keeps its zeros.
    """

    kind: Literal["csv"] = "csv"

    @model_validator(mode="after")
    def _positions_without_header(self) -> Self:
        named = [column for column in self.columns.roles().values() if isinstance(column, str)]
        if named and not self.header:
            raise ValueError(
                f"header = false, so columns are given by position from 1, not by name: {named}"
            )
        return self

    def reader(self, file: Path) -> CsvReader:
        return self.text_reader(file, self.time_format)
