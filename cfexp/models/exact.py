"""The compiled loop that solves rows exactly, by Cholesky: what the others are held against.

The system is that of `cfexp.models.kernels`, and so are the arguments.
"""

# ruff: noqa: ANN401, PLR0917 - compiled functions: what types they take is Numba's affair

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def cholesky(  # noqa: C901 - one loop, one formula
    indptr: Any,
    indices: Any,
    weights: Any,
    ridge: Any,
    diagonal: Any,
    fixed: Any,
    start: int,
    stop: int,
    solved: Any,
) -> None:
    """Solve the rows start..stop exactly: A = C C', C y = b, C' x = y."""
    f = fixed.shape[1]
    chunk = 256  # entries whose products are summed in float32 before they go to float64
    part = np.empty((chunk, f), np.float32)
    for row in range(start, stop):
        a = np.eye(f)
        x = np.zeros(f)
        for q in range(f):
            a[q, q] += np.float64(ridge[row]) * diagonal[q]
        for low in range(indptr[row], indptr[row + 1], chunk):
            high = min(low + chunk, indptr[row + 1])
            for i in range(low, high):
                root = np.sqrt(weights[i])
                z = fixed[indices[i]]
                for q in range(f):
                    part[i - low, q] = root * z[q]
                    x[q] += np.float64(1 + weights[i]) * z[q]
            filled = part[: high - low]
            a += np.dot(filled.T, filled)
        c = np.linalg.cholesky(a)
        for q in range(f):
            for s in range(q):
                x[q] -= c[q, s] * x[s]
            x[q] /= c[q, q]
        for q in range(f - 1, -1, -1):
            x[q] /= c[q, q]
            for s in range(q):
                x[s] -= c[q, s] * x[q]
        for q in range(f):
            solved[row - start, q] = x[q]
