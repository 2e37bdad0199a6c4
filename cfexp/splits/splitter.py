"""`Splitter`: the contract of everything that divides rows into stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Split


class Splitter(Recipe, ABC):
    """How rows are divided; subclasses add `kind: Literal["..."]` and their fields."""

    kind: str

    @abstractmethod
    def split(self, rows: Interactions) -> Split:
        """Divide `rows`; SplitError when they do not allow these settings."""
