"""The `parquet` source: columns of an Apache Parquet file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from cfexp.data.files.table_file import TableFile
from cfexp.errors import DataError
from cfexp.memory import needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa


class Parquet(TableFile):
    """Rows of Parquet files; rows without a user or an item are dropped and counted.

    A field of a record is a column too, named with a dot ("user.id"); a list is none. Whole
    numbers become integer ids, also where they are stored as floats or as text that prints
    the same; everything else becomes text.
    """

    kind: Literal["parquet"] = "parquet"

    def reader(self, file: Path) -> ParquetReader:
        return ParquetReader(file)


_LEAST_BYTES = 8
"""Of a row's value or code, and what is made of it."""


class ParquetReader:
    """Reads the columns of one file, and shows its rows in messages."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def names(self) -> list[str]:
        """Return the names of the columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(self.file).names)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from cfexp.data.files.nested import column, paths

        try:
            with pq.ParquetFile(self.file, read_dictionary=self._texts()) as parquet:
                schema = parquet.schema_arrow
                at = paths(self.file, roles, schema)
                for path in at.values():
                    if (count := schema.names.count(path[0])) > 1:
                        raise DataError(f"{self.file}: {count} columns are called {path[0]!r}")
                self._check_size(parquet.metadata.num_rows, len(at))
                table = parquet.read(columns=list({".".join(path): None for path in at.values()}))
            self._table = pa.table({role: column(table, path) for role, path in at.items()})
            self._table.validate(full=True)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
        return self._table

    def _unreadable(self, error: Exception) -> DataError:
        from cfexp.data.files.compression import codec_of

        hint = ""
        with contextlib.suppress(OSError, DataError):
            if codec := codec_of(self.file):
                hint = f"; it is compressed with {codec}: unpack it"
        return DataError(f"{self.file}: not a Parquet file that can be read: {error}{hint}")

    def _texts(self) -> list[str]:
        """Return the columns of text, which are read as codes and distinct values.

        So a long text that many rows repeat takes its memory once.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        from cfexp.data.rows.kinds import is_text

        fields = pq.read_schema(self.file)
        return [
            field.name for field in fields if is_text(field.type) or pa.types.is_binary(field.type)
        ]

    def _check_size(self, rows: int, columns: int) -> None:
        """Refuse what its own header says to be larger than memory, however few bytes it has."""
        size = rows * columns * _LEAST_BYTES
        needs(f"{self.file}, which declares {rows:,} rows,", size, "use fewer rows")

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: its number from 1 and what was read of it."""
        from cfexp.data.files.nested import shown

        return shown(self._table, rows)
