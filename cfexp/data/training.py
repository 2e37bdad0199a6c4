"""`TrainingData`: what a model sees. No ids and no data frames below this line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import Matrix


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The positives to learn from: a users x items CSR matrix of values > 0.

    Values are float32; indices are sorted and distinct. Both orientations are built
    once and shared by every model trained on these data.
    """

    positives: Matrix

    def __post_init__(self) -> None:
        values = self.positives.data
        if self.positives.nnz == 0:
            msg = "there is no positive interaction to learn from"
            raise DataError(msg)
        if not (np.isfinite(values).all() and (values > 0).all()):
            msg = "the values of positives must be finite and greater than 0"
            raise DataError(msg)

    @classmethod
    def of(cls, matrix: Any) -> TrainingData:  # noqa: ANN401 - whatever SciPy reads
        """Return `matrix` itself if it is TrainingData, else check and convert it.

        `matrix` is any SciPy sparse or dense users x items array of values; zeros
        that are stored explicitly are dropped.
        """
        if isinstance(matrix, TrainingData):
            return matrix
        positives = sparse.csr_array(matrix, dtype=np.float32, copy=True)
        positives.sum_duplicates()
        positives.eliminate_zeros()
        positives.sort_indices()
        return cls(positives)

    @property
    def n_users(self) -> int:
        """Number of rows."""
        return int(self.positives.shape[0])

    @property
    def n_items(self) -> int:
        """Number of columns."""
        return int(self.positives.shape[1])

    @cached_property
    def by_item(self) -> Matrix:
        """The same values as an items x users CSR matrix."""
        return self.positives.T.tocsr()
