"""Popularity: the same list for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.errors import DataError
from cfexp.models.model import Epoch, Model
from cfexp.models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Codes, Doubles, Floats
    from cfexp.data.positives import History, Positives
    from cfexp.data.training import TrainingData


class Popularity(Model):
    """An item's score is the number of users who have it among their positives.

    With a half-life an older positive counts less: 0.5^(days / half_life_days), where
    days are counted back from the newest row that is fitted, whoever's it is. (Another
    day to count from would change all scores by one factor, and no list.)
    """

    kind: Literal["popularity"] = "popularity"

    half_life_days: Annotated[float, Field(gt=0)] | None = None
    """A positive so many days before the newest row counts half, twice as many days before
    it a quarter; left out: all count the same."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        items = data.positives.indices
        counts = np.bincount(items, weights=self._weights(data), minlength=data.n_items)
        yield Epoch.only(PopularityScorer(self, data.positives, counts.astype(np.float32)), threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of the counts and, with a half-life, of a weight per positive."""
        del threads
        return 20 * data.n_items + (24 * data.positives.nnz if self.half_life_days else 0)

    def _weights(self, data: TrainingData) -> Doubles | None:
        if self.half_life_days is None:
            return None
        days = data.positives.days_old()
        if days is None:
            raise DataError(
                f"half_life_days = {self.half_life_days} needs the date of every positive, and "
                "the data have no times; name a time column, or leave half_life_days out"
            )
        weights: Doubles = 0.5 ** (days.astype(np.float64) / self.half_life_days)
        return weights


class PopularityScorer(Scorer):
    """Scores are counts, whoever asks."""

    def __init__(self, model: Model, history: Positives, counts: Floats) -> None:
        self.model = model
        self.history = history
        self.counts = counts

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return len(self.counts)

    def queries(self, history: History) -> Codes:
        """Return one number per row, which says nothing."""
        return np.zeros(self.checked(history).shape[0], np.int32)

    def scores(self, queries: Codes) -> Floats:
        """Return the counts once per query."""
        return np.tile(self.counts, (len(queries), 1))

    def arrays(self) -> dict[str, AnyArray]:
        """Return the counts."""
        return {"counts": self.counts}

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> PopularityScorer:
        """Return the scorer that `arrays()` described."""
        counts = np.asarray(arrays["counts"], np.float32)
        if counts.shape != (history.shape[1],):
            raise ValueError(f"{counts.shape} counts for {history.shape[1]} items")
        return cls(model, history, counts)
