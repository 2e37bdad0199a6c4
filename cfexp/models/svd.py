"""PureSVD: the best approximation of the matrix by a few factors, all pairs counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from cfexp.models.factor_model import FactorModel
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.item_weights import valued

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Floats, Matrix
    from cfexp.data.positives import History, Positives

_SEED = 0  # of the random projection, which the result does not show
_POWER_ITERATIONS = 6


class SvdScorer(FactorScorer):
    """Scores are projections of the history on the singular vectors."""

    model: PureSVD

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


class PureSVD(FactorModel):
    """Truncated singular value decomposition (Cremonesi, Koren & Turrin 2010, section 3.2.2).

    With X = U S V' of the training matrix, where a pair without interaction is 0, a
    user's scores are x V V', x being their history: no user factors are needed, so
    unseen users are scored as the known. The decomposition is scikit-learn's randomised
    one (Halko, Martinsson & Tropp 2009), close to the exact one and with a fixed seed.
    """

    kind: Literal["svd"] = "svd"
    scorer: ClassVar = SvdScorer
    copies: ClassVar = 4

    factors: Annotated[int, Field(ge=1, le=2048)] = 64
    """How many singular vectors are kept, at most as many as there are users or items."""
    binary: bool = True
    """Count every positive as 1, or take its value."""

    def components(self, matrix: Matrix, n: int) -> tuple[AnyArray, dict[str, str]]:
        """Return V'."""
        from sklearn.utils.extmath import randomized_svd

        _, _, vectors = randomized_svd(
            matrix,
            n,
            n_iter=_POWER_ITERATIONS,
            power_iteration_normalizer="QR",
            random_state=_SEED,
        )
        return vectors, {}
