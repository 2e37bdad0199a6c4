"""`IdTable`: a file with a row for each user, or each item, joined with the rows by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.columns import Column
from cfexp.data.places import DataPath
from cfexp.data.text_layout import TextLayout

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import pyarrow as pa

    from cfexp.arrays import AnyArray
    from cfexp.data.attributes import Attributes
    from cfexp.data.interactions import Vocabulary

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\x00-\x1f]*$")]


class IdTable(TextLayout):
    """One row per user or item; ids join exactly with those of the interactions."""

    of: ClassVar[str]
    """Whose rows these are, for messages: a user, an item."""

    path: DataPath
    """The file: Parquet when its name ends in .parquet, else text of this layout. Looked for
    like the rows' `path`."""
    id: Column
    """The column of the ids."""
    columns: dict[Name, Column] | None = None
    """What to read, each a name and its column; left out: all, by the header's names."""

    @model_validator(mode="after")
    def _positions_without_header(self) -> Self:
        given = [self.id, *(self.columns or {}).values()]
        if not self.header and (not self.columns or any(isinstance(x, str) for x in given)):
            raise ValueError(
                "header = false, so id and columns are given by position from 1, such as "
                "id = 1, columns = { age = 2 }"
            )
        return self

    def joined(self, file: Path, ids: Vocabulary) -> Attributes:
        """Return the columns of the file found, in the order of `ids`.

        Raises
        ------
        DataError
            When there is no such column, or two rows are of one id.
        """
        from cfexp.data.attributes import Attributes

        known, columns = self.rows(file)
        return Attributes.joined(ids, known, columns)

    def rows(self, file: Path) -> tuple[Vocabulary, dict[str, AnyArray]]:
        """Return the ids of the file and its columns in their order; errors as for `joined`."""
        from cfexp.data.kinds import plain
        from cfexp.data.messages import refuse
        from cfexp.data.parquet_file import ParquetReader
        from cfexp.data.table import encoded, vocabulary

        stored = file.suffix == ".parquet"
        reader = ParquetReader(file) if stored else self.text_reader(file)
        columns = self.columns or self._others(reader.names())
        own = {_COLUMN + name: column for name, column in columns.items()}
        who = self.of.rpartition(" ")[2]
        table = plain(self.flat(reader.read({who: self.id, **own})), reader)
        codes, ids = encoded(table[who])
        kept = np.flatnonzero(codes >= 0)
        known, codes = vocabulary(codes[kept], ids)
        first = np.unique(codes, return_index=True)[1]  # in the order of the ids
        again = np.ones(len(kept), bool)
        again[first] = False
        refuse(reader, f"{self.of} must have one row", again, kept)
        read = {role.removeprefix(_COLUMN): table[role] for role in table.column_names[1:]}
        return known, {name: self.column(name, one)[kept[first]] for name, one in read.items()}

    def flat(self, table: pa.Table) -> pa.Table:
        """Return a table as read without columns that nest others."""
        return table

    def column(self, name: str, column: pa.ChunkedArray) -> AnyArray:
        """Return a column as float64 or str."""
        import pyarrow as pa

        from cfexp.arrays import as_text
        from cfexp.data.attributes import column_of

        numbers = numbers_of(column)
        if numbers is not None:
            return numbers
        return column_of(as_text(column.cast(pa.string()).fill_null("").to_pylist(), name))

    def _others(self, names: list[str]) -> dict[str, str]:
        """Return every column but that of the ids, by its own name."""
        own = names[self.id - 1 : self.id] if isinstance(self.id, int) else [self.id]
        return {name: name for name in names if name not in own}


_COLUMN = "attribute "
"""Begins the role of a column that is read."""


def numbers_of(column: pa.ChunkedArray) -> AnyArray | None:
    """Return a column that is stored as numbers as float64, NaN where there is none; else None."""
    import pyarrow as pa

    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_pandas(), np.float64)
    return None
