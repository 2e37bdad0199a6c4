"""`UserTable`: a file with a row for each user, read beside the interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.id_table import IdTable

if TYPE_CHECKING:
    from cfexp.data.attributes import Attributes
    from cfexp.data.interactions import Vocabulary
    from cfexp.data.places import Places


class UserTable(IdTable):
    """User attributes, one row per user; ids join exactly with those of the interactions.

    A column in which every value is a number holds numbers, any other text; empty values
    are unknown. "007" is text.
    """

    of: ClassVar[str] = "a user"

    def load(self, places: Places, users: Vocabulary) -> Attributes:
        """Return the attributes of `users`.

        Raises
        ------
        DataError
            When there is no such file or column, or two rows are of one user.
        """
        return self.joined(places.find(self.path), users)
