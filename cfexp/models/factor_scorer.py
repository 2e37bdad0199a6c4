"""`FactorScorer`: what scorers that hold one vector per item have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from cfexp.arrays import frozen
from cfexp.models.relating import RelatingScorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import AnyArray, Codes, Floats
    from cfexp.data.positives import Positives
    from cfexp.models.model import Model


class FactorScorer(RelatingScorer):
    """Scores are user factors times item factors; subclasses say what a user's are.

    `item_factors` is items x factors, float32, read-only. Items are alike by the cosine
    or the dot product of their factors.
    """

    measures: ClassVar[tuple[str, ...]] = ("cosine", "dot")

    def __init__(self, model: Model, history: Positives, item_factors: Floats) -> None:
        self.model = model
        self.history = history
        self.item_factors = frozen(item_factors)

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return len(self.item_factors)

    def scores(self, queries: Floats) -> Floats:
        """Return user factors times item factors."""
        return queries @ self.item_factors.T

    def likeness(self, by: str) -> Callable[[Codes], Floats]:
        """Return what multiplies factors, of length 1 for "cosine", with all items'."""
        vectors = self.item_factors
        if by == "cosine":
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return lambda items: vectors[items] @ vectors.T

    def arrays(self) -> dict[str, AnyArray]:
        """Return the item factors."""
        return {"item_factors": self.item_factors}

    @classmethod
    def from_arrays(cls, model: Model, history: Positives, arrays: dict[str, AnyArray]) -> Self:
        """Return the scorer that `arrays()` described."""
        factors = np.ascontiguousarray(arrays["item_factors"], np.float32)
        rows = history.shape[1]
        if factors.ndim != 2 or len(factors) != rows or not np.isfinite(factors).all():  # noqa: PLR2004
            raise ValueError(f"item factors must be finite and have {rows} rows")
        return cls(model, history, factors)
