"""`ItemTable`: a file with a row for each item: its title, and what it belongs to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from cfexp.data.columns import Column
from cfexp.data.id_table import IdTable

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places


class ItemTable(IdTable):
    """Titles and item attributes, one row per item; ids join exactly with the interactions'."""

    of: ClassVar[Literal["user", "item"]] = "item"
    title: Column | None = None
    """The column of the item's title, to show to people."""

    def join(self, places: Places, rows: Interactions) -> Interactions:
        """Return `rows` with the titles and attributes of their items."""
        file = places.find(self.path)
        attributes, titles = self._joined(file, rows.items, self.title)
        titles = rows.titles if titles is None else titles
        return dataclasses.replace(rows, titles=titles, item_attributes=attributes)
