"""PureSVD: the best approximation of the matrix by a few factors, all pairs counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.models.als_start import warn_of_excess
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.finite import SMALLER, overflow_told, refuse_infinite
from cfexp.models.item_weights import valued
from cfexp.models.model import Epoch, Model
from cfexp.parallel import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import Doubles, Floats
    from cfexp.data.training import History, Positives, TrainingData

_SEED = 0  # of the random projection, which the result does not show
_POWER_ITERATIONS = 6


class PureSVD(Model):
    """Truncated singular value decomposition (Cremonesi, Koren & Turrin 2010, section 3.2.2).

    With X = U S V' of the training matrix, where a pair without interaction is 0, a
    user's scores are x V V', x being their history: no user factors are needed, so
    unseen users are scored as the known. The decomposition is scikit-learn's randomised
    one (Halko, Martinsson & Tropp 2009), close to the exact one and with a fixed seed.
    """

    kind: Literal["svd"] = "svd"

    factors: Annotated[int, Field(ge=1, le=2048)] = 64
    """How many singular vectors are kept, at most as many as there are users or items."""
    binary: bool = True
    """Count every positive as 1, or take its value."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        from sklearn.utils.extmath import randomized_svd

        del rng
        warn_of_excess(self.factors, data.positives.shape)
        with one_blas_thread, overflow_told("PureSVD", data.positives):
            _, _, vectors = randomized_svd(
                valued(data.positives, binary=self.binary),
                min(self.factors, data.n_users, data.n_items),
                n_iter=_POWER_ITERATIONS,
                power_iteration_normalizer="QR",
                random_state=_SEED,
            )
        factors = np.ascontiguousarray(vectors.T, np.float32)
        refuse_infinite(factors, "singular vectors", SMALLER)
        scorer = SvdScorer(self, data.positives, factors)
        scorer.threads = threads
        yield Epoch(1, lambda: scorer, lambda: None)


class SvdScorer(FactorScorer):
    """Scores are projections of the history on the singular vectors."""

    model: PureSVD
    recipe = PureSVD

    def queries(self, history: History) -> Floats:
        """Return xV for the rows x of `history`."""
        rows = valued(self.checked(history), binary=self.model.binary)
        factors: Floats = rows @ self.item_factors
        return factors

    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return x_j v_j'v_item for every entry j."""
        row = valued(history, binary=self.model.binary)
        factors = self.item_factors.astype(np.float64)
        adds: Doubles = row.data * (factors[row.indices] @ factors[item])
        return adds
