"""The contracts of a model: `Model`, a recipe, which trains `Epoch` by `Epoch` into a `Scorer`.

for epoch in ALS(factors=64).train(data, rng):
    evaluate(epoch.scorer(), ...)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cfexp.data.training import TrainingData
from cfexp.memory import needs
from cfexp.parallel import cores, warn_of_threads
from cfexp.recipe import Recipe
from cfexp.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from cfexp.models.scorer import Scorer

MaskName = Literal["interacted", "positives", "none"]
"""What is hidden from a user's list: every pair of their history, its positives, nothing."""


@dataclass(frozen=True, eq=False)
class Epoch:
    """A model after one sweep over users and items.

    `number` counts from 1. `scorer()` gives a scorer that stays valid whatever comes
    after; `loss()` the exact training loss, or None for a model without one. Both are
    lazy: an epoch that nobody looks at costs nothing more.
    """

    number: int
    scorer: Callable[[], Scorer]
    loss: Callable[[], float | None]

    @classmethod
    def only(cls, scorer: Scorer, threads: int | None) -> Epoch:
        """Return the one epoch of a model without sweeps, whose scorer may take `threads`."""
        scorer.threads = threads
        return cls(1, lambda: scorer, lambda: None)


class Model(Recipe, ABC):
    """A model's hyperparameters, and how it learns.

    Subclasses add `kind: Literal["..."] = "..."` and their fields.
    """

    kind: str
    stochastic: ClassVar[bool] = False
    """Does the result depend on the random generator?"""
    needs_features: ClassVar[bool] = False
    """Does it learn from item features?"""
    smaller: ClassVar[str] = "drop rare users or items"
    """What to do where a fit does not fit into memory."""

    @abstractmethod
    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield the model after every sweep; models without sweeps yield once.

        Results do not depend on `threads` (None: all cores), bit for bit.
        """

    @abstractmethod
    def memory(self, data: TrainingData, threads: int) -> int:
        """Return about how many bytes a fit takes at its peak, beyond the data and the process.

        An estimate from the shape of `data` alone, to be held against what is left: within
        a factor of 2 where it is hundreds of megabytes.
        """

    @property
    def scores_by_age(self) -> bool:
        """Whether what was long ago counts less when a user is scored, by days and not by rank."""
        return False

    def refuse_unfit(self, *data: TrainingData, threads: int | None = None) -> None:
        """Raise DataError, with both numbers, where fits on all of `data` at once cannot fit."""
        size = sum(self.memory(one, cores() if threads is None else threads) for one in data)
        users, items = (max(one.positives.shape[side] for one in data) for side in (0, 1))
        folds = f", {len(data)} folds at once," if len(data) > 1 else ""
        factors = getattr(self, "factors", None)
        what = self.kind if factors is None else f"{self.kind} with {factors:,} factors"
        needs(f"{what} on {users:,} users and {items:,} items{folds}", size, self.smaller)

    def fit(
        self,
        matrix: Any,  # noqa: ANN401 - whatever SciPy makes a CSR matrix of
        rng: int | np.random.Generator | None = None,
        *,
        threads: int | None = None,
    ) -> Scorer:
        """Train to the last epoch on a users x items matrix of values (or TrainingData)."""
        warn_of_threads(threads)
        data = TrainingData.of(matrix)
        self.refuse_unfit(data, threads=threads)
        epochs = self.train(data, generator(rng), threads=threads)
        *_, last = epochs
        return last.scorer()
