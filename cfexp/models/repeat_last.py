"""RepeatLast: what a user had before, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.models.model import Epoch, Model
from cfexp.models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Floats
    from cfexp.data.positives import History, Positives
    from cfexp.data.training import TrainingData


class RepeatLast(Model):
    """A user's own items from the newest to the oldest, then all others by popularity.

    The yardstick of repeat consumption (mask "none"); with a mask that hides a user's
    own items it is popularity. A history without order counts as all equally new: its
    items come first, the popular ones before the others.
    """

    kind: Literal["repeat_last"] = "repeat_last"

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        place = np.empty(data.n_items, np.float32)
        place[np.argsort(-data.item_counts, kind="stable")] = np.arange(data.n_items)[::-1]
        yield Epoch.only(RepeatLastScorer(self, data.positives, place), threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of the items' order and places."""
        del threads
        return 28 * data.n_items


class RepeatLastScorer(Scorer):
    """Scores are whole numbers: places by popularity, and above them the own items."""

    def __init__(self, model: Model, history: Positives, place: Floats) -> None:
        self.model = model
        self.history = history
        self.place = place

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return len(self.place)

    def queries(self, history: History) -> Positives:
        """Return the history itself."""
        return self.checked(history)

    def scores(self, queries: Positives) -> Floats:
        """Return n for the least and 2n - 1 for the newest own item, less for the others."""
        n = self.n_items
        sums = np.tile(self.place, (queries.shape[0], 1))
        user = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
        own = (user, queries.indices)
        sums[own] = n + sums[own] if queries.rank is None else 2 * n - 1 - queries.rank
        return sums

    def arrays(self) -> dict[str, AnyArray]:
        """Return the items' places, the most popular highest."""
        return {"place": self.place}

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> RepeatLastScorer:
        """Return the scorer that `arrays()` described."""
        place = np.asarray(arrays["place"], np.float32)
        if place.shape != (history.shape[1],):
            raise ValueError(f"{place.shape} places for {history.shape[1]} items")
        return cls(model, history, place)
