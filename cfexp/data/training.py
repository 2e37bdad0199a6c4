"""`TrainingData`: what a model sees. No ids, no data frames below this line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.data.positives import Positives, canonical
from cfexp.data.rows.sound import refuse_values
from cfexp.data.side_information.item_features import FEATURES_FROM
from cfexp.data.side_information.standardized import Standardized, directions
from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import Floats, Longs
    from cfexp.data.side_information.item_features import ItemFeatures


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The positives to learn from: a users x items CSR matrix of values > 0.

    Values are float32; indices are sorted and distinct. `features` are those of the items,
    where there are any. Both orientations, and features standardised, are built once and
    shared by every model trained on these data.
    """

    positives: Positives
    features: ItemFeatures | None = None

    def __post_init__(self) -> None:
        if self.features is not None and len(self.features) != self.n_items:
            raise DataError(
                f"there are features of {len(self.features)} items, and {self.n_items} items"
            )
        if self.positives.nnz == 0:
            raise DataError(
                "there is no positive interaction to learn from: the matrix of "
                f"{self.n_users} users x {self.n_items} items has no value above 0"
            )
        refuse_values(self.positives, "the values of positives")

    @classmethod
    def of(cls, matrix: Any) -> TrainingData:  # noqa: ANN401 - whatever SciPy reads
        """Return `matrix` itself if it is TrainingData, else check and convert it.

        `matrix` is Positives, or any SciPy sparse or dense users x items array of
        values; zeros that are stored explicitly are dropped. The arrays of a float32
        CSR matrix with sorted, distinct indices and no zeros are shared, not copied:
        whoever changes them changes the data of every model that has learnt from them.

        Raises
        ------
        DataError
            When it is no matrix of numbers, or too large a one, or its indices lie outside
            of it; when there is no value, or one that is not finite or below 0.
        """
        if isinstance(matrix, TrainingData):
            return matrix
        if isinstance(matrix, Positives):
            return cls(matrix)
        positives = canonical(matrix)
        if positives.nnz and positives.data.min() == 0:
            positives = positives.copy()
            positives.eliminate_zeros()
        return cls(Positives(positives))

    @property
    def n_users(self) -> int:
        """Number of rows."""
        return self.positives.shape[0]

    @property
    def n_items(self) -> int:
        """Number of columns."""
        return self.positives.shape[1]

    @cached_property
    def by_item(self) -> Positives:
        """The same positives as an items x users matrix."""
        return self.positives.transposed()

    @cached_property
    def item_counts(self) -> Longs:
        """How many users have each item among their positives."""
        return np.bincount(self.positives.indices, minlength=self.n_items)

    @cached_property
    def standardized(self) -> Standardized:
        """How features are standardised: over the items that have a positive."""
        return Standardized.of(self._features().values, self.item_counts > 0)

    @cached_property
    def item_directions(self) -> tuple[Floats, Floats]:
        """Standardised features scaled to length 1, items x features, and their lengths."""
        return directions(self.standardized.vectors(self._features().values))

    def _features(self) -> ItemFeatures:
        if self.features is None:
            raise DataError(f"these data have no item features; {FEATURES_FROM}")
        return self.features
