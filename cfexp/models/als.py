"""ALS: matrix factorisation of implicit feedback by alternating least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from cfexp.models.als_scorer import AlsScorer
from cfexp.models.confidence import ConfidenceName, extra_confidence
from cfexp.models.model import Epoch, Model
from cfexp.models.sweep import Rows, Side, Solver, Whitened, loss
from cfexp.parallel import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import Floats
    from cfexp.data.training import TrainingData


class ALS(Model):
    """Weighted matrix factorisation (Hu, Koren & Volinsky 2008).

    Minimises, over user factors x_u and item factors y_i,

        sum over all u, i of c_ui (p_ui - x_u'y_i)^2 + reg (sum |x_u|^2 + sum |y_i|^2)

    where p is 1 for positives and 0 for all other pairs, and the confidence c is 1 plus
    what the value r of a positive adds (`cfexp.models.confidence`). An epoch solves all
    users, then all items. Note that `alpha` adds to 1, as in the paper: on data of ones,
    alpha = 0 weighs all pairs alike.
    """

    kind: Literal["als"] = "als"
    stochastic: ClassVar[bool] = True

    factors: Annotated[int, Field(ge=1, le=2048)] = 64
    """Length of the vector that stands for a user or an item."""
    alpha: Annotated[float, Field(ge=0)] = 1.0
    """How much confidence the value of a positive adds to 1."""
    regularization: Annotated[float, Field(ge=1e-6)] = 0.01
    """Weight of the squared factors in the objective."""
    epochs: Annotated[int, Field(ge=1)] = 15
    """Number of sweeps over users and items."""
    confidence: ConfidenceName = "linear"
    """How values become confidence: 1 + alpha r, or 1 + alpha log(1 + r / epsilon)."""
    epsilon: Annotated[float, Field(gt=0)] = 1.0
    """The value at which the logarithm of "log" begins to bend."""
    solver: Literal["cg", "cholesky"] = "cg"
    """Conjugate gradient, started from the last sweep; or exact, and slower."""
    cg_steps: Annotated[int, Field(ge=1)] = 3
    """Steps of conjugate gradient, preconditioned, per row and sweep."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield an epoch after every sweep; it answers until the next one begins."""
        f, reg = self.factors, self.regularization
        start = rng.standard_normal((data.n_items, f), np.float32) * np.float32(0.1 / f**0.5)
        users = Side.of(np.zeros((data.n_users, f), np.float32), threads)
        items = Side.of(start, threads)
        by_user = Rows.of(data.positives, self.extra_confidence(data.positives.data))
        by_item = Rows.of(data.by_item, self.extra_confidence(data.by_item.data))
        solver = Solver(self.solver, self.cg_steps)
        done = 0

        def current(number: int) -> None:
            if number != done:
                raise RuntimeError(
                    f"epoch {number} was asked after epoch {done} had begun; take its "
                    "scorer and its loss before the next epoch"
                )

        def epoch(number: int) -> Epoch:
            def scorer() -> AlsScorer:
                current(number)
                return AlsScorer(self, data.positives, items.factors(f), threads=threads)

            def value() -> float:
                current(number)
                return loss(users, items, by_user, reg)

            return Epoch(number, scorer, value)

        for number in range(1, self.epochs + 1):
            done = number
            with one_blas_thread:
                Whitened(items, reg).solve(by_user, users, solver)
                Whitened(users, reg).solve(by_item, items, solver)
            yield epoch(number)

    def extra_confidence(self, values: Floats) -> Floats:
        """Return c - 1 of every value."""
        return extra_confidence(values, self.confidence, self.alpha, self.epsilon)
