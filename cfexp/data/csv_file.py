"""The `csv` source: delimited text with any separator, quoting, encoding and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from cfexp.data.columns import Columns, MissingValues, TimeFormat, refuse_two_parts
from cfexp.data.places import DataPath
from cfexp.data.source import Source
from cfexp.data.user_table import UserTable

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places

_SAMPLE = 'user,item\n1,"a"\n'


class Csv(Source):
    """Rows of a text file; rows without a user or an item are dropped and counted.

    Ids become integers when every id of the column is one as Python would print it,
    else they stay text: "007" keeps its zeros.
    """

    kind: Literal["csv"] = "csv"
    path: DataPath
    """The file, looked for beside the study file, then in CFEXP_DATA_DIR."""
    columns: Columns
    """Which column is the user, the item, the value, the time, the title."""
    separator: Annotated[str, Field(min_length=1)] = ","
    """What stands between columns: ",", ";", "|", a tab, or several characters such as "::"."""
    quote: str = '"'
    """The character around columns that contain the separator; "" for none.
    With a separator of several characters quotes have no meaning."""
    header: bool = True
    """Whether the first line names the columns; if not, columns are given by position."""
    encoding: str = "utf-8"
    """The text's encoding, such as utf-8 or latin-1."""
    time_format: TimeFormat = "auto"
    """How times are written: auto, unix, unix_ms, iso, or a strptime pattern."""
    missing_values: MissingValues = "refuse"
    """Rows whose value is missing: a mistake of the data, or dropped and counted."""
    test_path: DataPath | None = None
    """A file of the same layout with the rows to be predicted, for the split `predefined`."""
    validation_path: DataPath | None = None
    """Likewise, with the rows that are searched on."""
    users: UserTable | None = None
    """A file of user attributes, such as age or country, to group users by."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:  # bytes to bytes, such as hex, are codecs but no encodings
            same = _SAMPLE.encode(encoding).decode(encoding) == _SAMPLE
        except (LookupError, ValueError):
            same = False
        if not same:
            raise ValueError("must be a text encoding that Python knows, such as utf-8 or latin-1")
        return encoding

    @field_validator("separator")
    @classmethod
    def _within_lines(cls, separator: str) -> str:
        if set(separator) & set("\r\n\0"):
            raise ValueError("must not contain line breaks or NUL; such as ',', ';', '|' or '::'")
        return separator

    @field_validator("quote")
    @classmethod
    def _one_character(cls, quote: str) -> str:
        if quote and not (len(quote) == 1 and quote.isascii() and quote.isprintable()):
            raise ValueError("must be one ASCII character, or '' for none")
        return quote

    @model_validator(mode="after")
    def _parts_once(self) -> Csv:
        refuse_two_parts(self.columns, self.test_path, self.validation_path)
        return self

    @model_validator(mode="after")
    def _separator_is_no_quote(self) -> Csv:
        if self.separator == self.quote:
            raise ValueError(
                f"separator and quote must differ, both are {self.quote!r}; quote = '' is none"
            )
        return self

    @model_validator(mode="after")
    def _positions_without_header(self) -> Csv:
        named = [column for column in self.columns.roles().values() if isinstance(column, str)]
        if named and not self.header:
            raise ValueError(
                f"header = false, so columns are given by position from 1, not by name: {named}"
            )
        return self

    def load(self, places: Places) -> Interactions:
        """Read every row."""
        from cfexp.data.csv_reader import CsvReader
        from cfexp.data.files import joined
        from cfexp.data.table import interactions

        reader = joined(
            places,
            (self.path, self.validation_path, self.test_path),
            lambda file: CsvReader(
                file=file,
                separator=self.separator,
                quote=self.quote,
                header=self.header,
                encoding=self.encoding,
                time_format=self.time_format,
            ),
        )
        table = reader.read(self.columns.roles())
        rows = interactions(table, self.time_format, reader, self.missing_values)
        users = self.users
        return rows if users is None else rows.with_attributes(users.load(places, rows.users))
