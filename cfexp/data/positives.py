"""`Positives`: a matrix of what users like, and how old its entries are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from cfexp.arrays import frozen
from cfexp.data.rows.sound import csr_of, refuse_excess

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import AnyArray, Codes, Floats, Matrix


@dataclass(frozen=True, eq=False)
class Positives:
    """A CSR matrix of values, users x items or transposed, and how old its entries are.

    `rank` (int32) and `age` (float32) have one number per entry of `matrix`, in its
    order. Rank counts a user's positives back from the newest, which has 0, by time and
    then by input order; age is in days before the user's newest positive. `idle`
    (float32) has one number per user: the days from their newest positive to the newest
    row of all. All are None where nothing is known, as for a plain matrix; age and idle
    also where the rows have no times. `positives[rows]` selects rows as in NumPy, and
    all arrays come along.
    """

    matrix: Matrix
    rank: Codes | None = None
    age: Floats | None = None
    idle: Floats | None = None

    def __post_init__(self) -> None:
        refuse_excess(self)
        for name in ("rank", "age", "idle"):
            array, n = getattr(self, name), self.nnz
            what = "entries"
            if name == "idle":
                n, what = self.shape[0], "rows"
            if array is not None and array.shape != (n,):
                raise ValueError(
                    f"{name} has shape {array.shape}, expected one number for each of the "
                    f"{n} {what}"
                )

    @classmethod
    def of(cls, history: History) -> Positives:
        """Return `history` itself if it is Positives, else wrap a matrix without recency.

        The arrays of a canonical float32 CSR matrix are shared, not copied.
        """
        return history if isinstance(history, Positives) else cls(canonical(history))

    def __getitem__(self, rows: Any) -> Positives:  # noqa: ANN401 - a slice, codes or a mask
        """Return the given rows; raise IndexError where there is no such row."""
        n = self.shape[0]
        if not isinstance(rows, slice):
            rows = np.atleast_1d(np.arange(n)[rows])
            first, last = rows[[0, -1]] if len(rows) else (0, -1)
            if last - first == len(rows) - 1 and (np.diff(rows) == 1).all():
                rows = slice(first, last + 1)
        if isinstance(rows, slice) and rows.indices(n) == (0, n, 1):
            return self
        return self._through(
            lambda matrix: matrix[rows], None if self.idle is None else self.idle[rows]
        )

    def transposed(self) -> Positives:
        """Return the other orientation, items x users, with rank and age along, not idle."""
        if self.rank is None and self.age is None:
            return self._through(lambda matrix: matrix.T.tocsr(), None)
        places = np.arange(self.nnz, dtype=np.int32)  # sorted once, whatever comes along
        turned = sparse.csr_array((places, self.indices, self.indptr), shape=self.shape).T.tocsr()
        places, parts = turned.data, (turned.indices, turned.indptr)
        matrix = sparse.csr_array((self.data[places], *parts), shape=turned.shape)
        matrix.has_canonical_format = True
        rank = None if self.rank is None else self.rank[places]
        return Positives(matrix, rank, None if self.age is None else self.age[places])

    def days_old(self) -> Floats | None:
        """Return the days from every entry to the newest row of all, None where unknown."""
        if self.age is None or self.idle is None:
            return None
        days = np.repeat(self.idle, np.diff(self.indptr))
        days += self.age
        return days

    def _through(self, change: Callable[[Matrix], Matrix], idle: Floats | None) -> Positives:
        """Return what `change` makes of the matrix, and of rank and age in its place."""
        changed = change(self.matrix)
        changed.has_canonical_format = True

        def aligned(values: AnyArray | None) -> AnyArray | None:
            if values is None:
                return None
            parts = (values, self.indices, self.indptr)
            found: AnyArray = change(sparse.csr_array(parts, shape=self.shape)).data
            return found

        return Positives(changed, aligned(self.rank), aligned(self.age), idle)

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


def canonical(given: Any) -> Matrix:  # noqa: ANN401 - whatever SciPy reads
    """Return a canonical float32 CSR matrix, made of `given`'s own arrays where they will do.

    Those are read-only views then.
    """
    found = csr_of(given)
    parts = (
        found.data,
        *(part.astype(np.int32, copy=False) for part in (found.indices, found.indptr)),
    )
    matrix: Matrix = sparse.csr_array(parts, shape=found.shape)  # made anew, it trusts no flag
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    matrix.data, matrix.indices, matrix.indptr = map(
        frozen, (matrix.data, matrix.indices, matrix.indptr)
    )
    return matrix
