"""`AlsScorer`: item factors, and users solved against them from their histories."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from cfexp.arrays import AnyArray, Codes, Doubles, Floats, frozen
from cfexp.data.positives import Positives
from cfexp.data.rows.sound import exchanged, refuse_values
from cfexp.errors import DataError
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.finite import refuse_infinite
from cfexp.models.sweep import Rows, Side, Solver, Whitened

if TYPE_CHECKING:
    from cfexp.data.positives import History
    from cfexp.models.als import ALS
    from cfexp.models.model import Model

_TOLERANCE = 1e-6  # of the residual, relative to the right side
_MOST_STEPS = 1000


class AlsScorer(FactorScorer):
    """Scores are x'y, with x solved exactly from a user's history.

    Known and unseen users go the same way, so a known user's factors are those of
    `fold_in(history)`, not what the last half of a sweep happened to leave.
    """

    model: ALS

    def __init__(
        self, model: ALS, history: Positives, item_factors: Floats, *, threads: int | None = None
    ) -> None:
        super().__init__(model, history, item_factors)
        self.threads = threads

    @cached_property
    def user_factors(self) -> Floats:
        """Factors of all users of the training data, users x factors."""
        return frozen(self.fold_in(self.history))

    @cached_property
    def _whitened(self) -> Whitened:
        items = Side.of(self.item_factors, self.threads)
        return Whitened(items, self.model.least(self.n_items), ridged=self.model.nu > 0)

    @cached_property
    def _whitened_users(self) -> Whitened:
        """The users of the training data, solved by the training weights."""
        users = self._solve(self._whitened, self.model.rows(self.history))
        return Whitened(users, self.model.least(len(users.solved)), ridged=self.model.nu > 0)

    def fold_in(self, history: History) -> Floats:
        """Return the user factors (m x factors) that minimise the objective for `history`.

        `history` is m x items, values as in training; a row without entries gives zeros.
        Conjugate gradient until the residual is 1e-6 of the right side.
        """
        history = self.checked(history)
        rows = self.model.rows(history, scoring=True)
        return self._solve(self._whitened, rows).factors(self.model.factors)

    def fold_in_items(self, users: History) -> Floats:
        """Return the item factors (m x factors) of new items from the users who took them.

        `users` is m x users of the training data, values as in training. Solved as in an
        epoch, against the users' factors by the training weights.
        """
        given = Positives.of(users)
        if given.shape[1] != self.history.shape[0]:
            raise DataError(
                f"the new items have {given.shape[1]} users, the model {self.history.shape[0]} "
                f"({given.shape[0]} x {given.shape[1]} given, items x users wanted)"
                f"{exchanged(given.shape[::-1], self.history.shape)}"
            )
        refuse_values(given, "the values of new items")
        rows = self.model.rows(given, "items", histories=self.history)
        return self._solve(self._whitened_users, rows).factors(self.model.factors)

    def _solve(self, against: Whitened, rows: Rows) -> Side:
        side = Side.of(np.zeros((len(rows), self.model.factors), np.float32), self.threads)
        against.solve(rows, side, Solver("cg", _MOST_STEPS, _TOLERANCE))
        refuse_infinite(
            side.solved,
            "the factors that ALS solved from histories",
            "lower scoring_alpha, scoring_recency or the values, or raise the regularization",
        )
        return side

    def queries(self, history: History) -> Floats:
        """Return the user factors for every row of `history`."""
        return self.user_factors if history is self.history else self.fold_in(history)

    def queries_of(self, users: Codes, history: Positives | None = None) -> Floats:
        """Return the factors of known users, solved anew unless `user_factors` holds them."""
        if "user_factors" in self.__dict__:
            return self.user_factors[users]
        factors: Floats = super().queries_of(users, history)
        return factors

    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return c_j y_item' W y_j for every entry j, with W = (Y'CY + reg I)^-1.

        Hu, Koren & Volinsky 2008, section 5.
        """
        model = self.model
        factors = self.item_factors.astype(np.float64)
        added = model.weighting(scoring=True).added(history).astype(np.float64)
        added /= model.unseen_weight
        own = factors[history.indices]
        system = factors.T @ factors + own.T @ (added[:, None] * own)
        system[np.diag_indices_from(system)] += model.penalty(history.nnz, self.n_items)
        adds: Doubles = (1 + added) * (own @ np.linalg.solve(system, factors[item]))
        return adds

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> AlsScorer:
        """Return the scorer that `arrays()` described."""
        recipe = cast("ALS", model)
        factors = np.ascontiguousarray(arrays["item_factors"], np.float32)
        shape = (history.shape[1], recipe.factors)
        if factors.shape != shape or not np.isfinite(factors).all():
            raise ValueError(f"item factors must be finite and of shape {shape}")
        return cls(recipe, history, factors)
