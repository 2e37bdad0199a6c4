"""The training matrix as models of items want it: ones or values, TF-IDF, BM25."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from cfexp.models.finite import refuse_infinite

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Matrix
    from cfexp.data.positives import Positives


def with_values(matrix: Matrix, values: AnyArray) -> Matrix:
    """Return a matrix with other values (as float32) at the same places.

    Raises TrainingError for values that float32 does not hold.
    """
    with np.errstate(over="ignore"):  # told by what follows
        parts = (values.astype(np.float32), matrix.indices, matrix.indptr)
    refuse_infinite(parts[0], "the weights of interactions", "lower recency, or the values")
    return sparse.csr_array(parts, shape=matrix.shape)


def valued(positives: Positives, *, binary: bool) -> Matrix:
    """Return the matrix of `positives`, or one of ones at the same places."""
    matrix = positives.matrix
    return with_values(matrix, np.ones(matrix.nnz)) if binary else matrix


def weighted_size(nnz: int) -> int:
    """Return the bytes that weights in float64, and both orientations in float32, take."""
    return 32 * nnz


def tf_idf(matrix: Matrix) -> Doubles:
    """Return sqrt(x) idf_u for every value x of a users x items matrix."""
    x: Doubles = matrix.data.astype(np.float64)
    return np.sqrt(x) * _idf(matrix)


def bm25(matrix: Matrix, k1: float, b: float) -> Doubles:
    """Return x (k1 + 1) / (x + k1 (1 - b + b |i| / mean |i|)) idf_u for every value x.

    `matrix` is users x items; |i| is the sum of item i's values.
    """
    x: Doubles = matrix.data.astype(np.float64)
    sums = np.bincount(matrix.indices, weights=x, minlength=matrix.shape[1])
    length = 1 - b + b * sums / sums.mean()
    saturated: Doubles = x * (k1 + 1) / (x + k1 * length[matrix.indices])
    return saturated * _idf(matrix)


def _idf(matrix: Matrix) -> Doubles:
    """Return for every entry log(n items / (1 + number of its user's items))."""
    counts = np.diff(matrix.indptr)
    idf: Doubles = np.repeat(np.log(matrix.shape[1]) - np.log1p(counts), counts)
    return idf
