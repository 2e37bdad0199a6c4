"""`TableFile`: what the sources that read a table's columns from files have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from pydantic import model_validator

from cfexp.data.files.places import DataPath
from cfexp.data.rows.table_source import TableSource

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from cfexp.data.files.files import TableReader
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class TableFile(TableSource):
    """Rows of one file, or of several of one layout; a subclass says how one is read."""

    path: DataPath
    """The file, looked for beside the study file, then in CFEXP_DATA_DIR; or a pattern such as
    "logs/*.csv.gz" for many files, which are read in the order of their names."""
    test_path: DataPath | None = None
    """Likewise, of the same layout, with the rows to be predicted, for the split `predefined`."""
    validation_path: DataPath | None = None
    """Likewise, with the rows that are searched on."""

    @abstractmethod
    def reader(self, file: Path) -> TableReader:
        """Return the reader of one file."""

    @model_validator(mode="after")
    def _parts_once(self) -> Self:
        given = [path for path in (self.test_path, self.validation_path) if path is not None]
        if self.columns.part is not None and given:
            raise ValueError(
                f"the column part = {self.columns.part!r} and the file {given[0]!r} both say "
                "which rows are held out; keep one of them"
            )
        return self

    def files(self, places: Places) -> list[Path]:
        tables = (self.users, self.items)
        paths = [self.path, self.validation_path, self.test_path]
        paths += [None if table is None else table.path for table in tables]
        return [file for path in paths if path is not None for file in places.find_all(path)]

    def load(self, places: Places) -> Interactions:
        """Read every row."""
        from cfexp.data.files.files import joined

        paths = (self.path, self.validation_path, self.test_path)
        return self.rows_of(joined(places, paths, self.reader), places)
