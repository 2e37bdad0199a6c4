"""`IdTable`: a file with a row for each id, read beside the interactions and joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.files.places import DataPath
from cfexp.data.files.text_layout import TextLayout
from cfexp.data.rows.columns import Column
from cfexp.data.side_information.amounts import column_of, stored_numbers, text

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import pyarrow as pa

    from cfexp.arrays import AnyArray
    from cfexp.data.files.files import TableReader
    from cfexp.data.side_information.attributes import Attributes
    from cfexp.data.vocabulary import Vocabulary

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\x00-\x1f]*$")]


class IdTable(TextLayout):
    """Attributes, one row per id; ids join exactly with those of the interactions.

    A column in which every value is a number holds numbers, any other text; empty values
    are unknown. "007" is text.
    """

    of: ClassVar[Literal["user", "item"]]
    path: DataPath
    """The file: Parquet when its name ends in .parquet, else text of this layout. Looked for
    like the rows' `path`."""
    id: Column
    """The column of the id."""
    columns: dict[Name, Column] | None = None
    """The attributes to read, each a name and its column; left out: all, by the header's names."""

    @model_validator(mode="after")
    def _positions_without_header(self) -> Self:
        given = [self.id, *(self.columns or {}).values()]
        if not self.header and (not self.columns or any(isinstance(x, str) for x in given)):
            raise ValueError(
                "header = false, so id and columns are given by position from 1, such as "
                "id = 1, columns = { age = 2 }"
            )
        return self

    def read(self, file: Path, known: Vocabulary) -> Attributes:
        """Return the attributes of the ids in `known`.

        Raises
        ------
        DataError
            When there is no such column, or two rows are of one id.
        """
        return self._joined(file, known)[0]

    def _joined(
        self, file: Path, known: Vocabulary, title: Column | None = None
    ) -> tuple[Attributes, AnyArray | None]:
        """Return the attributes of the ids in `known`, and their titles where a column has them."""
        from cfexp.data.side_information.attributes import Attributes

        listed, found, titles = self.rows(file, title)
        attributes = Attributes.joined(known, listed, found)
        if titles is None:
            return attributes, None
        joined = Attributes.joined(known, listed, {"title": titles})
        return attributes, joined.columns["title"].astype(object)

    def rows(
        self, file: Path, title: Column | None = None
    ) -> tuple[Vocabulary, dict[str, AnyArray], AnyArray | None]:
        """Return the ids of the file, and their attributes and titles; errors as for `read`."""
        from cfexp.data.files.parquet_file import ParquetReader

        stored = file.suffix == ".parquet"
        reader = ParquetReader(file) if stored else self.text_reader(file)
        return self.rows_of(reader, reader.names(), title)

    def rows_of(
        self, reader: TableReader, names: list[str], title: Column | None = None
    ) -> tuple[Vocabulary, dict[str, AnyArray], AnyArray | None]:
        """Return what `rows` does, of a reader of columns of these names."""
        from cfexp.data.rows.kinds import plain
        from cfexp.data.rows.messages import refuse
        from cfexp.data.rows.table import encoded, vocabulary

        columns = self.columns or self._others(names, title)
        roles = {
            self.of: self.id,
            **{_ATTRIBUTE + name: column for name, column in columns.items()},
        }
        if title is not None:
            roles["title"] = title
        table = plain(self.flat(reader.read(roles)), reader)
        codes, ids = encoded(table[self.of])
        kept = np.flatnonzero(codes >= 0)
        listed, codes = vocabulary(codes[kept], ids)
        first = np.unique(codes, return_index=True)[1]  # in the order of the ids
        again = np.ones(len(kept), bool)
        again[first] = False
        refuse(reader, f"every {self.of} must have one row", again, kept)
        own = [role for role in table.column_names if role.startswith(_ATTRIBUTE)]
        found = {}
        for role in own:
            name = role.removeprefix(_ATTRIBUTE)
            found[name] = self.column(table[role], name)[kept[first]]
        titles = None if title is None else text(table["title"], "title")[kept[first]]
        return listed, found, titles

    def flat(self, table: pa.Table) -> pa.Table:
        """Return a table as read without columns that nest others."""
        return table

    def column(self, column: pa.ChunkedArray, name: str) -> AnyArray:
        """Return a column as float64 or str."""
        found = stored_numbers(column)
        return column_of(text(column, name)) if found is None else found

    def _others(self, names: list[str], title: Column | None) -> dict[str, Column]:
        """Return every column but those of the ids and titles, by its own name."""
        places = [one - 1 if isinstance(one, int) else one for one in (self.id, title)]
        own = {names[one] if isinstance(one, int) and one < len(names) else one for one in places}
        return {name: name for name in names if name not in own}


_ATTRIBUTE = "attribute "
"""Begins the role of an attribute's column."""
