"""The compiled loop of item-kNN: rows of a product of two sparse matrices, as dense rows."""

# ruff: noqa: ANN401, PLR0917 - compiled functions: what types they take is Numba's affair

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def add_products(
    indptr: Any,
    indices: Any,
    values: Any,
    other_indptr: Any,
    other_indices: Any,
    other_values: Any,
    first: int,
    out: Any,  # float64 (rows, columns of the other)
) -> None:
    """Add to `out` the rows first, first + 1, ... of a sparse matrix times another."""
    for i in range(out.shape[0]):
        row = out[i]
        for e in range(indptr[first + i], indptr[first + i + 1]):
            value = np.float64(values[e])
            other = indices[e]
            for o in range(other_indptr[other], other_indptr[other + 1]):
                row[other_indices[o]] += value * other_values[o]


@njit(nogil=True, cache=True)
def add_rows(
    indptr: Any,
    indices: Any,
    values: Any,
    dense: Any,  # float32 (columns of the sparse matrix, n)
    out: Any,  # float32 (rows, n)
) -> None:
    """Add to `out` the rows of a sparse matrix times a dense one."""
    for i in range(out.shape[0]):
        row = out[i]
        for e in range(indptr[i], indptr[i + 1]):
            value = values[e]
            other = dense[indices[e]]
            for j in range(row.shape[0]):
                row[j] += value * other[j]
