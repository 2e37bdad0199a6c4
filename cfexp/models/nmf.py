"""NMF: factors that cannot be negative, so that tastes only ever add up."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numba import njit
from pydantic import Field

from cfexp.arrays import entries
from cfexp.models.factor_model import FactorModel
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.item_weights import valued
from cfexp.parallel import each_block, one_blas_thread

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Floats, Matrix
    from cfexp.data.positives import History, Positives

_SEED = 0  # of the start, a randomised singular value decomposition
_BLOCK = 64
_SWEEPS = 500
_TOLERANCE = 1e-6  # of a factor's last change, relative to the largest factor


class NmfScorer(FactorScorer):
    """Scores are wH, with w solved from a user's history."""

    model: NMF

    @cached_property
    def _exact(self) -> tuple[Doubles, Doubles]:
        """The item factors H in float64, items x factors, and H'H."""
        factors = self.item_factors.astype(np.float64)
        with one_blas_thread:
            return factors, factors.T @ factors

    def queries(self, history: History) -> Floats:
        """Return the user factors w >= 0 for every row of `history`."""
        rows = self.checked(history)
        parts = entries(valued(rows, binary=self.model.binary))
        factors, gram = self._exact
        users = np.zeros((rows.shape[0], factors.shape[1]), np.float32)
        each_block(
            len(users),
            _BLOCK,
            lambda block: _solve(*parts, factors, gram, block.start, users[block]),
            self.threads,
        )
        return users

    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return x_j h_j'(H_s'H_s)^+ h_item for every entry j, over the user's tastes s.

        Those are the factors that are above 0; where the others stay 0, least squares is
        linear in the history.
        """
        tastes = self.queries(history)[0] > 0
        factors = self.item_factors[:, tastes].astype(np.float64)
        along = np.linalg.lstsq(factors.T @ factors, factors[item])[0]
        row = valued(history, binary=self.model.binary)
        adds: Doubles = row.data * (factors[row.indices] @ along)
        return adds


class NMF(FactorModel):
    """Non-negative matrix factorisation (Lee & Seung 1999), scikit-learn's.

    Minimises |X - W H|^2 over W, H >= 0, all pairs counted, by coordinate descent
    (Cichocki & Phan 2009) from the same start every time (NNDSVDa, Boutsidis &
    Gallopoulos 2008). For scoring, the factors of every user, known or not, are solved
    from their history: min |x - w H|^2 over w >= 0.
    """

    kind: Literal["nmf"] = "nmf"
    scorer: ClassVar = NmfScorer
    copies: ClassVar = 5

    factors: Annotated[int, Field(ge=1, le=2048)] = 32
    """Number of tastes, at most as many as there are users or items."""
    iterations: Annotated[int, Field(ge=1)] = 50
    """Rounds of coordinate descent over both sides, fewer where nothing moves any more."""
    binary: bool = True
    """Count every positive as 1, or take its value."""

    def components(self, matrix: Matrix, n: int) -> tuple[AnyArray, dict[str, str]]:
        """Return H, and how many iterations it took."""
        from sklearn.decomposition import NMF as Factorization  # noqa: N811
        from sklearn.exceptions import ConvergenceWarning

        learner = Factorization(
            n, init="nndsvda", solver="cd", max_iter=self.iterations, random_state=_SEED
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `iterations` says when
            learner.fit(matrix)
        return learner.components_, {"iterations_used": str(learner.n_iter_)}


@njit(nogil=True, cache=True)
def _solve(  # noqa: PLR0917 - compiled, like the types
    indptr: Any,  # noqa: ANN401
    indices: Any,  # noqa: ANN401
    values: Any,  # noqa: ANN401
    factors: Any,  # noqa: ANN401 - float64 (items, f)
    gram: Any,  # noqa: ANN401 - float64 (f, f), factors' factors
    first: int,
    out: Any,  # noqa: ANN401 - float32 (rows, f), written
) -> None:
    f = gram.shape[0]
    for i in range(out.shape[0]):
        target = np.zeros(f)
        for e in range(indptr[first + i], indptr[first + i + 1]):
            target += values[e] * factors[indices[e]]
        w = np.zeros(f)
        for _ in range(_SWEEPS):
            moved = 0.0
            for t in range(f):
                if gram[t, t] > 0:
                    # the slope along w_t is (w G - target)_t, the curvature G_tt
                    slope = -target[t]
                    for s in range(f):
                        slope += gram[t, s] * w[s]
                    new = max(0.0, w[t] - slope / gram[t, t])
                    moved = max(moved, abs(new - w[t]))
                    w[t] = new
            if moved <= _TOLERANCE * w.max():
                break
        out[i] = w
