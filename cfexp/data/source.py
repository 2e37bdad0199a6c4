"""`Source`: the contract of everything that rows can be read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class Source(Recipe, ABC):
    """Where the rows come from; subclasses add `kind: Literal["..."]` and their fields."""

    kind: str

    def signed(self) -> Source:
        """Return the same source; where it can read negative values, it lets them through.

        Who asks cleans them: the rows of a source that was not asked have none.
        """
        return self

    def files(self, places: Places) -> list[Path] | None:
        """Return every file that `load` reads, None where rows do not follow from files alone."""
        del places
        return None

    @abstractmethod
    def load(self, places: Places) -> Interactions:
        """Read every row; DataError when a file is absent or breaks a rule."""
