"""`TableFile`: what the sources that read a table's columns from a file have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from pydantic import model_validator

from cfexp.data.columns import Columns, MissingValues, TimeFormat
from cfexp.data.item_table import ItemTable
from cfexp.data.places import DataPath
from cfexp.data.source import Source
from cfexp.data.user_table import UserTable

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from cfexp.data.files import TableReader
    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places


class TableFile(Source):
    """Rows of one file, or of up to three of one layout; a subclass says how one is read."""

    path: DataPath
    """The file, looked for beside the study file, then in CFEXP_DATA_DIR."""
    columns: Columns
    """Which column is the user, the item, the value, the time, the title, the part."""
    time_format: TimeFormat = "auto"
    """How times are written where they are not timestamps: auto, unix, unix_ms, iso, or a
    strptime pattern."""
    missing_values: MissingValues = "refuse"
    """Rows whose value is missing: a mistake of the data, or dropped and counted."""
    test_path: DataPath | None = None
    """A file of the same layout with the rows to be predicted, for the split `predefined`."""
    validation_path: DataPath | None = None
    """Likewise, with the rows that are searched on."""
    users: UserTable | None = None
    """A file of user attributes, such as age or country, to group users by."""
    items: ItemTable | None = None
    """A file of item features, such as tempo or genres, for the model `content`."""

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

    def load(self, places: Places) -> Interactions:
        """Read every row."""
        from cfexp.data.files import joined
        from cfexp.data.table import interactions

        paths = (self.path, self.validation_path, self.test_path)
        reader = joined(places, paths, self.reader)
        table = reader.read(self.columns.roles())
        rows = interactions(table, self.time_format, reader, self.missing_values)
        if self.users is not None:
            rows = rows.with_attributes(self.users.load(places, rows.users))
        if self.items is not None:
            rows = rows.with_item_features(self.items.load(places, rows.items))
        return rows
