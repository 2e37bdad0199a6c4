"""`ContentScorer`: profiles of users against the features of items, old and new."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, cast

import numpy as np
from scipy import sparse

from cfexp.arrays import entries, frozen
from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.side_information.standardized import Standardized, directions
from cfexp.models import neighbours
from cfexp.models.factor_scorer import FactorScorer
from cfexp.models.item_weights import with_values

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Floats, Matrix
    from cfexp.data.positives import History
    from cfexp.data.side_information.feature_column import FeatureColumn
    from cfexp.models.content import Content
    from cfexp.models.model import Model


class ContentScorer(FactorScorer):
    """Scores are cosines: an item's factors are its features, standardised, of length 1.

    `lengths` are what they were before; `standardized` and `columns` make factors of items
    to come.
    """

    model: Content
    measures: ClassVar[tuple[str, ...]] = ("cosine",)

    def __init__(  # noqa: PLR0917 - what it is made of
        self,
        model: Content,
        history: Positives,
        item_factors: Floats,
        lengths: Floats,
        standardized: Standardized,
        columns: tuple[FeatureColumn, ...],
    ) -> None:
        super().__init__(model, history, item_factors)
        self._summed = item_factors  # writable, as the compiled loop has them from EASE
        self.lengths = frozen(lengths)
        self.standardized = standardized
        self.columns = columns

    def queries(self, history: History) -> Floats:
        """Return the profiles, of length 1 (0 for a history without features)."""
        return self._profiles(self._weighted(self.checked(history)))

    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return c_j z_j'z_item / (|profile| |z_item|) for every entry j."""
        row = self._weighted(history)
        factors = self.item_factors.astype(np.float64)
        length = np.linalg.norm(row.data @ factors[row.indices])
        adds: Doubles = row.data * (factors[row.indices] @ factors[item])
        return adds / length if length > 0 else adds

    def with_items(self, features: Floats) -> ContentScorer:
        """Return a scorer of more items: features as the columns encode them, NaN unknown."""
        vectors, lengths = directions(self.standardized.vectors(features))
        n_users, n_items = self.history.shape
        own = self.history
        parts = (own.data, own.indices, own.indptr)
        wider = sparse.csr_array(parts, shape=(n_users, n_items + len(features)))
        wider.has_canonical_format = True
        scorer = ContentScorer(
            self.model,
            Positives(wider, own.rank, own.age, own.idle),
            np.concatenate([self.item_factors, vectors]),
            np.concatenate([self.lengths, lengths]),
            self.standardized,
            self.columns,
        )
        scorer.threads = self.threads
        return scorer

    @property
    def features(self) -> ItemFeatures:
        """The columns that features are made of, of no item."""
        return ItemFeatures(self.columns, np.zeros((0, len(self.standardized.mean)), np.float32))

    def arrays(self) -> dict[str, AnyArray]:
        """Return the items' features, and what makes those of items to come."""
        return {
            **super().arrays(),
            "lengths": self.lengths,
            "mean": self.standardized.mean,
            "weight": self.standardized.weight,
            "columns": np.frombuffer(self.features.described().encode(), np.uint8),
        }

    @classmethod
    def from_arrays(cls, model: Model, history: Positives, arrays: dict[str, AnyArray]) -> Self:
        """Return the scorer that `arrays()` described."""
        n_items = history.shape[1]
        factors = np.ascontiguousarray(arrays["item_factors"], np.float32)
        lengths = np.asarray(arrays["lengths"], np.float32)
        standardized = Standardized(
            np.asarray(arrays["mean"], np.float64), np.asarray(arrays["weight"], np.float64)
        )
        text = np.asarray(arrays["columns"], np.uint8).tobytes().decode()
        made = ItemFeatures.from_described(text, factors)
        right = len(factors) == n_items and len(standardized.mean) == factors.shape[1]
        finite = np.isfinite(factors).all() and np.isfinite(lengths).all()
        if not (right and finite and lengths.shape == (n_items,)):
            raise ValueError(f"features must be finite and of {n_items} items")
        return cls(cast("Content", model), history, factors, lengths, standardized, made.columns)

    def _weighted(self, history: Positives) -> Matrix:
        """Return each history's weights, which sum to 1: only their ratios matter."""
        weights = self.model.weights(history)
        if not self.model.normalize:
            weights *= self.lengths[history.indices]
        owner = np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))
        total = np.bincount(owner, weights=weights, minlength=history.shape[0])[owner]
        np.divide(weights, total, out=weights, where=total > 0)
        return with_values(history.matrix, weights)

    def _profiles(self, weighted: Matrix) -> Floats:
        sums = np.zeros((weighted.shape[0], self.item_factors.shape[1]), np.float32)
        neighbours.add_rows(*entries(weighted), self._summed, sums)
        profiles, _ = directions(sums)
        return profiles
