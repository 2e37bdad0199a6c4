"""Random: the floor that every model must stand above."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cfexp.models.model import Epoch, Model
from cfexp.models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Floats
    from cfexp.data.positives import History, Positives
    from cfexp.data.training import TrainingData

_Hashes = NDArray[np.uint64]


class Random(Model):
    """A score is a uniform number that depends on the seed, the history and the item.

    Nothing is stored: scores are hashes, so the same user always gets the same list.
    """

    kind: Literal["random"] = "random"
    stochastic: ClassVar[bool] = True

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        seed = rng.integers(2**64, dtype=np.uint64)
        yield Epoch.only(RandomScorer(self, data.positives, seed), threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return 0: there is a seed and nothing else."""
        del data, threads
        return 0


class RandomScorer(Scorer):
    """Hashes of (seed, history, item), scaled to 0..1."""

    def __init__(self, model: Model, history: Positives, seed: np.uint64) -> None:
        self.model = model
        self.history = history
        self.seed = seed

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return int(self.history.shape[1])

    def queries(self, history: History) -> _Hashes:
        """Return a hash of every row's items."""
        history = self.checked(history)
        items = _mixed(history.indices.astype(np.uint64) + self.seed)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(items, dtype=np.uint64)])
        return _mixed(sums[history.indptr[1:]] - sums[history.indptr[:-1]] + self.seed)

    def scores(self, queries: _Hashes) -> Floats:
        """Return a number in 0..1 for every query and item."""
        items = _mixed(np.arange(self.n_items, dtype=np.uint64) + ~self.seed)
        hashes = _mixed(queries[:, None] ^ items)
        return (hashes >> np.uint64(40)).astype(np.float32) / np.float32(2**24)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the seed."""
        return {"seed": np.array(self.seed)}

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> RandomScorer:
        """Return the scorer that `arrays()` described."""
        return cls(model, history, np.uint64(arrays["seed"]))


def _mixed(numbers: _Hashes) -> _Hashes:
    """Return SplitMix64 of every number (Steele, Lea & Flood 2014, figure 17)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
