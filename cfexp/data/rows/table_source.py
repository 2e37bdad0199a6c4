"""`TableSource`: what all sources have in common that read named columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import PrivateAttr, model_validator

from cfexp.data.rows.columns import Columns, MissingValues, TimeFormat
from cfexp.data.side_information.item_table import ItemTable
from cfexp.data.side_information.user_table import UserTable
from cfexp.data.source import Source

if TYPE_CHECKING:
    from typing import Self

    from cfexp.data.files.files import TableReader
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class TableSource(Source):
    """Rows of a table, its columns named by role; a subclass says where the table is."""

    columns: Columns
    """Which column is the user, the item, the value, the time, the title, the part."""
    time_format: TimeFormat = "auto"
    """How times are written where they are not timestamps: auto, unix, unix_ms, unix_us,
    unix_ns, iso, or a strptime pattern."""
    missing_values: MissingValues = "refuse"
    """Rows whose value is missing: a mistake of the data, or dropped and counted."""
    users: UserTable | None = None
    """A file of user attributes, such as age or country, to group users by."""
    items: ItemTable | None = None
    """A file of items: their titles, attributes such as the artist of a track, and features,
    such as tempo or genres, for the model `content`."""

    _signed: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _titles_once(self) -> Self:
        if self.columns.title is not None and self.items is not None and self.items.title:
            raise ValueError(
                f"the column title = {self.columns.title!r} and the file {self.items.path!r} "
                "both give titles; keep one of them"
            )
        return self

    def signed(self) -> Self:
        copy = self.model_copy()
        copy._signed = True  # noqa: SLF001 - its own
        return copy

    def rows_of(self, reader: TableReader, places: Places, *, ordered: bool = True) -> Interactions:
        """Return the rows of a table with what is known of their users and items.

        `ordered` says whether the order of the rows means anything.
        """
        from cfexp.data.rows.table import interactions

        rows = interactions(
            reader.read(self.columns.roles()),
            self.time_format,
            reader,
            self.missing_values,
            signed=self._signed,
            ordered=ordered,
        )
        if self.items is not None:
            rows = self.items.join(places, rows)
        return rows if self.users is None else self.users.join(places, rows)
