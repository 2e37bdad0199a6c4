"""Popularity: the same list for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.models.model import Epoch, Model, Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Codes, Floats
    from cfexp.data.training import History, Positives, TrainingData


class Popularity(Model):
    """An item's score is the number of users who have it among their positives."""

    kind: Literal["popularity"] = "popularity"

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        counts = np.bincount(data.positives.indices, minlength=data.n_items)
        scorer = PopularityScorer(self, data.positives, counts.astype(np.float32))
        scorer.threads = threads
        yield Epoch(1, lambda: scorer, lambda: None)


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
