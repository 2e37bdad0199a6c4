"""`Rule`: the contract of everything that `[[clean]]` can name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions


class Rule(Recipe, ABC):
    """What is dropped or changed; subclasses add `kind: Literal["..."]` and their fields."""

    kind: str

    @abstractmethod
    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        """Return the rows that are left, and what was done in words for the report."""

    @property
    def settles_negatives(self) -> bool:
        """Whether no value is negative after this rule, so that reading may let them through."""
        return False
