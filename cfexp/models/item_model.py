"""What models share that score an item by the items of a user's history."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cfexp.models.item_weights import valued, with_values
from cfexp.models.model import Model
from cfexp.models.recency import RecencyBy, RecencyScale, past
from cfexp.models.relating import RelatingScorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import Codes, Doubles, Floats, Matrix
    from cfexp.data.positives import History, Positives


class ItemModel(Model):
    """A model of items by items, to which new interactions may matter more than old ones.

    What a user's interaction counts (1, or its value) is multiplied by

        1 + recency exp(-rank / recency_scale)

    in the matrix that is learnt from, and likewise in the history that is scored from.
    """

    binary: bool = True
    """Count every positive as 1, or take its value."""
    recency: Annotated[float, Field(ge=0)] = 0.0
    """How much more the user's newest positive counts in training; it fades as
    exp(-rank / recency_scale). Without effect on plain matrices, which have no order."""
    recency_scale: RecencyScale = 10.0
    recency_by: RecencyBy = "rank"
    scoring_recency: Annotated[float, Field(ge=0)] | None = None
    """recency of the history that users are scored from; left out: recency."""
    scoring_recency_scale: Annotated[float, Field(gt=0)] | None = None
    """recency_scale of the history that users are scored from; left out: recency_scale."""

    def learnt(self, positives: Positives) -> Matrix:
        """Return the users x items matrix to learn from."""
        fading = self._fading(positives, self.recency, self.recency_scale)
        return _times(self.weighted(valued(positives, binary=self.binary)), fading)

    def weighted(self, matrix: Matrix) -> Matrix:
        """Return `matrix` with the model's own weights, which recency then multiplies."""
        return matrix

    @property
    def scores_by_age(self) -> bool:
        return self._strength > 0 and self.recency_by == "age"

    def scored(self, positives: Positives, *, binary: bool) -> Matrix:
        """Return the histories to score from, users x items."""
        scale = self.scoring_recency_scale
        scale = self.recency_scale if scale is None else scale
        fading = self._fading(positives, self._strength, scale)
        return _times(valued(positives, binary=binary), fading)

    @property
    def _strength(self) -> float:
        """How much recency adds to a history that is scored from."""
        return self.recency if self.scoring_recency is None else self.scoring_recency

    def _fading(self, positives: Positives, strength: float, scale: float) -> Doubles | None:
        ago = past(positives, self.recency_by) if strength else None
        if ago is None:
            return None
        faded: Doubles = 1 + strength * np.exp(-ago.astype(np.float64) / scale)
        return faded


class ItemScorer(RelatingScorer):
    """Scores are sums of rows of a matrix of items by items, one per item of the history.

    Items are alike by what one adds to the score of the other.
    """

    model: ItemModel
    measures = ("weight",)

    @abstractmethod
    def queries(self, history: History) -> Matrix:
        """Return the histories, weighted."""

    @abstractmethod
    def rows(self, items: Codes) -> Floats:
        """Return what each of `items` adds to the score of every item; a new array."""

    @abstractmethod
    def column(self, items: Codes, item: int) -> Floats:
        """Return what each of `items` adds to the score of `item`."""

    def likeness(self, by: str) -> Callable[[Codes], Floats]:
        """Return `rows`."""
        del by
        return self.rows

    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return the weight of every entry, times what its item adds."""
        row = self.queries(history)
        adds: Doubles = row.data.astype(np.float64) * self.column(row.indices, item)
        return adds


def _times(matrix: Matrix, factor: Doubles | None) -> Matrix:
    return matrix if factor is None else with_values(matrix, matrix.data * factor)
