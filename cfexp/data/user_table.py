"""`UserTable`: a file with a row for each user, read beside the interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.columns import Column
from cfexp.data.places import DataPath
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import AnyArray
    from cfexp.data.attributes import Attributes
    from cfexp.data.interactions import Vocabulary
    from cfexp.data.places import Places

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\x00-\x1f]*$")]


class UserTable(Recipe):
    """User attributes, one row per user; ids join exactly with those of the interactions.

    A column in which every value is a number holds numbers, any other text; empty values
    are unknown. "007" is text.
    """

    path: DataPath
    """The file: Parquet when its name ends in .parquet, else text. Looked for like `path`."""
    id: Column
    """The column of the user's id."""
    columns: dict[Name, Column] | None = None
    """The attributes to read, each a name and its column; left out: all, by the header's names."""
    separator: Annotated[str, Field(min_length=1)] = ","
    """What stands between columns of a text file."""
    quote: Annotated[str, Field(max_length=1)] = '"'
    """The character around columns that contain the separator; "" for none."""
    header: bool = True
    """Whether the first line names the columns; if not, `columns` are given by position."""
    encoding: str = "utf-8"
    """The text's encoding."""

    @model_validator(mode="after")
    def _positions_without_header(self) -> UserTable:
        given = [self.id, *(self.columns or {}).values()]
        if not self.header and (not self.columns or any(isinstance(x, str) for x in given)):
            raise ValueError(
                "header = false, so id and columns are given by position from 1, such as "
                "id = 1, columns = { age = 2 }"
            )
        return self

    def load(self, places: Places, users: Vocabulary) -> Attributes:
        """Return the attributes of `users`.

        Raises
        ------
        DataError
            When there is no such file or column, or two rows are of one user.
        """
        from cfexp.data.csv_reader import CsvReader
        from cfexp.data.parquet_file import ParquetReader

        file = places.find(self.path)
        if file.suffix == ".parquet":
            parquet = ParquetReader(file)
            return read_users(parquet, self._roles(parquet.names()), users)
        text = CsvReader(file, self.separator, self.quote, self.header, self.encoding)
        return read_users(text, self._roles(text.first().columns if self.header else []), users)

    def _roles(self, names: list[str]) -> dict[str, int | str]:
        columns: dict[str, int | str] = dict(self.columns or {})
        own = names[self.id - 1 : self.id] if isinstance(self.id, int) else [self.id]
        if not self.columns:
            columns = {name: name for name in names if name not in own}
        return {"user": self.id, "item": self.id} | {
            f"attribute {name}": column for name, column in columns.items()
        }


def read_users(reader: Any, roles: dict[str, int | str], users: Vocabulary) -> Attributes:  # noqa: ANN401 - either reader
    """Return the attributes of `users` from a reader of the roles `user` and `attribute ...`."""
    from cfexp.data.attributes import Attributes
    from cfexp.data.kinds import plain
    from cfexp.data.messages import refuse
    from cfexp.data.table import encoded_ids

    table = plain(reader.read(roles), reader)
    codes, ids = encoded_ids(table["user"])
    kept = np.flatnonzero(codes >= 0)
    first = np.unique(codes[kept], return_index=True)[1]
    again = np.ones(len(kept), bool)
    again[first] = False
    refuse(reader, "a user must have one row", again, kept)
    order = kept[first]  # ids in the order of their codes
    columns = {
        name.removeprefix("attribute "): _column(table[name])[order]
        for name in table.column_names
        if name.startswith("attribute ")
    }
    return Attributes.joined(users, ids[codes[order]], columns)


def read_published(
    file: Path, names: tuple[str, ...], separator: str, users: Vocabulary
) -> Attributes | None:
    """Return the attributes of a headerless file of ids and `names`, None where there is none."""
    from cfexp.data.csv_reader import CsvReader

    if not file.is_file():
        return None
    reader = CsvReader(file, separator, "", header=False, encoding="latin-1")
    roles: dict[str, int | str] = {"user": 1, "item": 1}
    roles |= {f"attribute {name}": place for place, name in enumerate(names, 2)}
    return read_users(reader, roles, users)


def _column(column: pa.ChunkedArray) -> AnyArray:
    import pyarrow as pa

    from cfexp.data.attributes import column_of

    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_pandas(), np.float64)
    texts = column.cast(pa.string()).fill_null("")
    return column_of(np.asarray(texts.to_pylist(), np.str_))
