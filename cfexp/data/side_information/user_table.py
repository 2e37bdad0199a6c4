"""`UserTable`: a file with a row for each user, read beside the interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cfexp.data.side_information.id_table import IdTable

if TYPE_CHECKING:
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class UserTable(IdTable):
    """User attributes, one row per user; ids join exactly with those of the interactions.

    A column in which every value is a number holds numbers, any other text; empty values
    are unknown. "007" is text.
    """

    of: ClassVar[Literal["user", "item"]] = "user"

    def join(self, places: Places, rows: Interactions) -> Interactions:
        """Return `rows` with the attributes of their users; DataError as for `read`."""
        return rows.with_attributes(self.read(places.find(self.path), rows.users))
