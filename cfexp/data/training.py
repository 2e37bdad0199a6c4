"""`Positives` and `TrainingData`: what a model sees. No ids, no data frames below this line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Floats, Matrix


@dataclass(frozen=True, eq=False)
class Positives:
    """A CSR matrix of values, users x items or transposed, and how old its entries are.

    `rank` (int32) and `age` (float32) have one number per entry of `matrix`, in its
    order. Rank counts a user's positives back from the newest, which has 0, by time and
    then by input order; age is in days before the user's newest positive. Both are None
    where nothing is known, as for a plain matrix; age also where the rows have no times.
    `positives[rows]` selects rows as in NumPy, and all arrays come along.
    """

    matrix: Matrix
    rank: Codes | None = None
    age: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("rank", "age"):
            array = getattr(self, name)
            if array is not None and array.shape != (self.nnz,):
                raise ValueError(
                    f"{name} has shape {array.shape}, expected one number for each of the "
                    f"{self.nnz} entries"
                )

    @classmethod
    def of(cls, history: History) -> Positives:
        """Return `history` itself if it is Positives, else wrap a matrix without recency."""
        if isinstance(history, Positives):
            return history
        given: Any = history
        matrix: Matrix = sparse.csr_array(given, dtype=np.float32)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return cls(matrix)

    def __getitem__(self, rows: Any) -> Positives:  # noqa: ANN401 - a slice, codes or a mask
        """Return the given rows; raise IndexError where there is no such row."""
        indptr, asked = self.indptr, np.atleast_1d(np.arange(self.shape[0])[rows])
        lengths = np.diff(indptr)[asked]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(starts[-1]) + np.repeat(indptr[asked] - starts[:-1], lengths)
        return self._rebuilt(entries, self.indices[entries], starts, (len(asked), self.shape[1]))

    def transposed(self) -> Positives:
        """Return the other orientation, items x users, with rank and age along."""
        numbered = sparse.csr_array(
            (np.arange(self.nnz), self.indices, self.indptr), shape=self.shape
        )
        other = numbered.T.tocsr()
        return self._rebuilt(other.data, other.indices, other.indptr, other.shape)

    def _rebuilt(
        self, entries: AnyArray, indices: AnyArray, indptr: AnyArray, shape: tuple[int, int]
    ) -> Positives:
        matrix = sparse.csr_array((self.data[entries], indices, indptr), shape=shape)
        matrix.has_canonical_format = True
        return Positives(
            matrix,
            None if self.rank is None else self.rank[entries],
            None if self.age is None else self.age[entries],
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the matrix."""
        rows, columns = self.matrix.shape
        return int(rows), int(columns)

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return int(self.matrix.nnz)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """The type of the values."""
        return self.data.dtype

    @property
    def data(self) -> Floats:
        """The matrix's values."""
        values: Floats = self.matrix.data
        return values

    @property
    def indices(self) -> AnyArray:
        """The column of every entry."""
        columns: AnyArray = self.matrix.indices
        return columns

    @property
    def indptr(self) -> AnyArray:
        """Where each row's entries begin, and where the last one's end."""
        starts: AnyArray = self.matrix.indptr
        return starts

    def toarray(self) -> AnyArray:
        """Return the values as a dense array."""
        dense: AnyArray = self.matrix.toarray()
        return dense


History: TypeAlias = "Positives | Matrix"
"""What scorers take: a matrix with recency, or a plain one without."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The positives to learn from: a users x items CSR matrix of values > 0.

    Values are float32; indices are sorted and distinct. Both orientations are built
    once and shared by every model trained on these data.
    """

    positives: Positives

    def __post_init__(self) -> None:
        values = self.positives.data
        if self.positives.nnz == 0:
            raise DataError("there is no positive interaction to learn from")
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise DataError("the values of positives must be finite and greater than 0")

    @classmethod
    def of(cls, matrix: Any) -> TrainingData:  # noqa: ANN401 - whatever SciPy reads
        """Return `matrix` itself if it is TrainingData, else check and convert it.

        `matrix` is Positives, or any SciPy sparse or dense users x items array of
        values; zeros that are stored explicitly are dropped.
        """
        if isinstance(matrix, TrainingData):
            return matrix
        if isinstance(matrix, Positives):
            return cls(matrix)
        positives = sparse.csr_array(matrix, dtype=np.float32, copy=True)
        positives.sum_duplicates()
        positives.eliminate_zeros()
        positives.sort_indices()
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
