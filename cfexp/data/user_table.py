"""`UserTable`: a file with a row for each user, read beside the interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.columns import Column
from cfexp.data.places import DataPath
from cfexp.data.text_layout import TextLayout

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import AnyArray
    from cfexp.data.attributes import Attributes
    from cfexp.data.interactions import Vocabulary
    from cfexp.data.places import Places

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\x00-\x1f]*$")]


class UserTable(TextLayout):
    """User attributes, one row per user; ids join exactly with those of the interactions.

    A column in which every value is a number holds numbers, any other text; empty values
    are unknown. "007" is text.
    """

    path: DataPath
    """The file: Parquet when its name ends in .parquet, else text of this layout. Looked for
    like the rows' `path`."""
    id: Column
    """The column of the user's id."""
    columns: dict[Name, Column] | None = None
    """The attributes to read, each a name and its column; left out: all, by the header's names."""

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
        return self.read(places.find(self.path), users)

    def read(self, file: Path, users: Vocabulary) -> Attributes:
        """Return the attributes of `users` from the file found; errors as for `load`."""
        from cfexp.data.attributes import Attributes
        from cfexp.data.kinds import plain
        from cfexp.data.messages import refuse
        from cfexp.data.parquet_file import ParquetReader
        from cfexp.data.table import encoded, vocabulary

        stored = file.suffix == ".parquet"
        reader = ParquetReader(file) if stored else self.text_reader(file)
        columns = self.columns or self._others(reader.names())
        own = {_ATTRIBUTE + name: column for name, column in columns.items()}
        table = plain(reader.read({"user": self.id, **own}), reader)
        codes, ids = encoded(table["user"])
        kept = np.flatnonzero(codes >= 0)
        known, codes = vocabulary(codes[kept], ids)
        first = np.unique(codes, return_index=True)[1]  # in the order of the ids
        again = np.ones(len(kept), bool)
        again[first] = False
        refuse(reader, "a user must have one row", again, kept)
        found = {name: _column(table[_ATTRIBUTE + name], name)[kept[first]] for name in columns}
        return Attributes.joined(users, known, found)

    def _others(self, names: list[str]) -> dict[str, str]:
        """Return every column but that of the ids, by its own name."""
        own = names[self.id - 1 : self.id] if isinstance(self.id, int) else [self.id]
        return {name: name for name in names if name not in own}


_ATTRIBUTE = "attribute "
"""Begins the role of an attribute's column."""


def _column(column: pa.ChunkedArray, name: str) -> AnyArray:
    import pyarrow as pa

    from cfexp.arrays import as_text
    from cfexp.data.attributes import column_of

    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_pandas(), np.float64)
    texts = column.cast(pa.string()).fill_null("")
    return column_of(as_text(texts.to_pylist(), name))
