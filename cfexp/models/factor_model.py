"""`FactorModel`: what models have in common that take the training matrix apart at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cfexp.models.als_start import warn_of_excess
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.finite import SMALLER, overflow_told, refuse_infinite
from cfexp.models.item_weights import valued, weighted_size
from cfexp.models.model import Epoch, Model
from cfexp.parallel import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Matrix
    from cfexp.data.training import TrainingData

OVERSAMPLES = 10  # directions that scikit-learn's randomised decomposition looks at beyond


class FactorModel(Model):
    """Some factors of the training matrix, at most as many as there are users or items."""

    scorer: ClassVar[type[FactorScorer]]
    smaller: ClassVar = "lower factors, or drop rare users or items"
    copies: ClassVar[int]
    """How many copies of its factors the decomposition holds at its peak, in float32."""
    if TYPE_CHECKING:  # fields of each model, in its own order, which records are hashed in
        factors: int
        binary: bool

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        name, positives = type(self).__name__, data.positives
        warn_of_excess(self.factors, positives.shape)
        with one_blas_thread, overflow_told(name, positives):
            matrix = valued(positives, binary=self.binary)
            components, facts = self.components(matrix, min(self.factors, *positives.shape))
        factors = np.ascontiguousarray(components.T, np.float32)
        refuse_infinite(factors, f"the factors of {name}", SMALLER)
        scorer = self.scorer(self, positives, factors)
        scorer.facts = facts
        yield Epoch.only(scorer, threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of `copies` of the factors of both sides, and of the matrix twice."""
        del threads
        shape = data.positives.shape
        wanted = min(self.factors + OVERSAMPLES, *shape)
        return self.copies * 4 * wanted * sum(shape) + weighted_size(data.positives.nnz)

    @abstractmethod
    def components(self, matrix: Matrix, n: int) -> tuple[AnyArray, dict[str, str]]:
        """Return n components of a users x items matrix, n x items, and the facts of the fit."""
