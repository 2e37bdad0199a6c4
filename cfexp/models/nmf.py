"""NMF: factors that cannot be negative, so that tastes only ever add up."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numba import njit
from pydantic import Field

from cfexp.models.als_start import warn_of_excess
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.finite import SMALLER, overflow_told, refuse_infinite
from cfexp.models.item_weights import valued
from cfexp.models.model import Epoch, Model
from cfexp.models.neighbours import entries
from cfexp.parallel import each_block, one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import Doubles, Floats
    from cfexp.data.training import History, Positives, TrainingData

_SEED = 0  # of the start, a randomised singular value decomposition
_BLOCK = 64
_SWEEPS = 500
_TOLERANCE = 1e-6  # of a factor's last change, relative to the largest factor


class NMF(Model):
    """Non-negative matrix factorisation (Lee & Seung 1999), scikit-learn's.

    Minimises |X - W H|^2 over W, H >= 0, all pairs counted, by coordinate descent
    (Cichocki & Phan 2009) from the same start every time (NNDSVDa, Boutsidis &
    Gallopoulos 2008). For scoring, the factors of every user, known or not, are solved
    from their history: min |x - w H|^2 over w >= 0.
    """

    kind: Literal["nmf"] = "nmf"

    factors: Annotated[int, Field(ge=1, le=2048)] = 32
    """Number of tastes, at most as many as there are users or items."""
    iterations: Annotated[int, Field(ge=1)] = 50
    """Rounds of coordinate descent over both sides, fewer where nothing moves any more."""
    binary: bool = True
    """Count every positive as 1, or take its value."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        from sklearn.decomposition import NMF as Factorization  # noqa: N811
        from sklearn.exceptions import ConvergenceWarning

        del rng
        warn_of_excess(self.factors, data.positives.shape)
        learner = Factorization(
            min(self.factors, data.n_users, data.n_items),
            init="nndsvda",
            solver="cd",
            max_iter=self.iterations,
            random_state=_SEED,
        )
        told = overflow_told("NMF", data.positives)
        with one_blas_thread, told, warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `iterations` says when
            learner.fit(valued(data.positives, binary=self.binary))
        factors = np.ascontiguousarray(learner.components_.T, np.float32)
        refuse_infinite(factors, "the factors of NMF", SMALLER)
        scorer = NmfScorer(self, data.positives, factors)
        scorer.threads = threads
        scorer.facts = {"iterations_used": str(learner.n_iter_)}
        yield Epoch(1, lambda: scorer, lambda: None)


class NmfScorer(FactorScorer):
    """Scores are wH, with w solved from a user's history."""

    model: NMF
    recipe = NMF

    def queries(self, history: History) -> Floats:
        """Return the user factors w >= 0 for every row of `history`."""
        rows = self.checked(history)
        parts = entries(rows, binary=self.model.binary)
        factors = self.item_factors.astype(np.float64)
        with one_blas_thread:
            gram = factors.T @ factors
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
