"""EASE: every item is explained by all others, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from cfexp.arrays import entries
from cfexp.errors import DataError
from cfexp.models import neighbours
from cfexp.models.dense import invert
from cfexp.models.item_model import ItemModel, ItemScorer
from cfexp.models.item_weights import weighted_size
from cfexp.models.model import Epoch, Model
from cfexp.parallel import each_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Codes, Floats, Matrix
    from cfexp.data.positives import History, Positives
    from cfexp.data.training import TrainingData

_BLOCK = 64


class EASE(ItemModel):
    """Embarrassingly shallow autoencoder (Steck 2019, "Embarrassingly Shallow ...", WWW).

    Minimises |X - XB|^2 + regularization |B|^2 over items x items matrices B with zero
    diagonal, where X is the training matrix. With P = (X'X + regularization I)^-1,

        B_ij = -P_ij / P_jj for i != j

    (equation 8), and the score of item j is the sum of B_ij over the items i of a
    user's history. Only items that occur in training are learnt; while it learns, it takes
    16 bytes of memory per pair of these, or 8 and, per pair of all items, 4 for B.

    With recency, X and the history hold 1 + recency exp(-rank / recency_scale) for 1.
    """

    kind: Literal["ease"] = "ease"
    smaller: ClassVar = (
        "drop rare items, or use item_knn or als, which keep no items x items matrix"
    )

    regularization: Annotated[float, Field(ge=1e-3)] = 300.0
    """Weight of the squared entries of B: the more data, the more."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        yield Epoch.only(EaseScorer(self, data.positives, self._weights(data, threads)), threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of the Gram matrix and its inverse, or of that and B."""
        del threads
        n = np.count_nonzero(data.item_counts)
        square = max(16 * n * n, 8 * n * n + 4 * data.n_items**2)
        return int(square) + weighted_size(data.positives.nnz)

    def _weights(self, data: TrainingData, threads: int | None) -> Floats:
        learnt = np.flatnonzero(data.item_counts)  # the others explain nothing
        n = len(learnt)
        matrix = self.learnt(data.positives)
        if n < data.n_items:
            matrix = matrix[:, learnt]
        users, items = (entries(m) for m in (matrix, matrix.T.tocsr()))
        gram = np.zeros((n, n))
        each_block(
            n,
            _BLOCK,
            lambda rows: neighbours.add_products(*items, *users, rows.start, gram[rows]),
            threads,
        )
        gram[np.diag_indices(n)] += self.regularization
        try:
            inverse = invert(gram, threads)
        except np.linalg.LinAlgError as error:
            raise DataError(
                f"EASE with regularization = {self.regularization} has no solution in floating "
                f"point on values up to {data.positives.data.max():g}; raise regularization, or "
                "set binary = true"
            ) from error
        scale = -1 / np.diag(inverse)
        np.fill_diagonal(inverse, 0)
        weights = np.zeros((data.n_items, data.n_items), np.float32)

        def divide(rows: slice) -> None:
            weights[learnt[rows, None], learnt] = inverse[rows] * scale

        each_block(n, _BLOCK, divide, threads)
        return weights


class EaseScorer(ItemScorer):
    """Scores are sums of rows of the weights, one per item of the history."""

    def __init__(self, model: EASE, history: Positives, weights: Floats) -> None:
        self.model = model
        self.history = history
        self.weights = weights

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return len(self.weights)

    def queries(self, history: History) -> Matrix:
        """Return the histories, weighted."""
        return self.model.scored(self.checked(history), binary=self.model.binary)

    def rows(self, items: Codes) -> Floats:
        """Return rows of B."""
        return self.weights[items]

    def column(self, items: Codes, item: int) -> Floats:
        """Return entries of a column of B."""
        entries: Floats = self.weights[items, item]
        return entries

    def scores(self, queries: Matrix) -> Floats:
        """Return XB for the rows X of `queries`."""
        sums = np.zeros((queries.shape[0], self.n_items), np.float32)
        neighbours.add_rows(*entries(queries), self.weights, sums)
        return sums

    def arrays(self) -> dict[str, AnyArray]:
        """Return B."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> EaseScorer:
        """Return the scorer that `arrays()` described."""
        weights = np.ascontiguousarray(arrays["weights"], np.float32)
        n = history.shape[1]
        if weights.shape != (n, n):
            raise ValueError(f"weights of shape {weights.shape} for {n} items")
        return cls(cast("EASE", model), history, weights)
