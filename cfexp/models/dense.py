"""The inverse of a large symmetric matrix, in threads that change no bit of it.

BLAS shares out a product as it sees fit, and rounds differently with every number of
threads. Here each tile is computed by one thread, whichever it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from cfexp.parallel import each_block, one_blas_thread

if TYPE_CHECKING:
    from cfexp.arrays import Doubles

_TILE = 256


def invert(matrix: Doubles, threads: int | None = None) -> Doubles:
    """Return the inverse of a symmetric positive definite matrix, which is overwritten.

    With L L' = A (Cholesky, of the lower triangle), A^-1 = L^-T L^-1; n^3 multiplications
    and two n x n matrices in all. Raises LinAlgError for any other matrix.
    """
    n = len(matrix)
    lower = matrix

    def factor(start: int, stop: int) -> None:
        corner = lower[start:stop, start:stop]
        corner[:] = linalg.cholesky(corner, lower=True, check_finite=False)
        below = lower[stop:]

        def panel(rows: slice) -> None:
            # A_ik = L_ik L_kk'
            part = below[rows, start:stop]
            part[:] = linalg.solve_triangular(corner, part.T, lower=True, check_finite=False).T

        def update(rows: slice) -> None:
            # what this panel explains of the rows, up to the diagonal
            left = below[rows, start:stop]
            below[rows, stop : stop + rows.stop] -= left @ below[: rows.stop, start:stop].T

        each_block(n - stop, _TILE, panel, threads)
        each_block(n - stop, _TILE, update, threads)

    with one_blas_thread:
        for start in range(0, n, _TILE):
            factor(start, min(start + _TILE, n))

    inverse = np.zeros_like(lower)

    def invert_columns(columns: slice) -> None:
        # L X = I from above, tile by tile: X_i = L_ii^-1 (I_i - sum over k < i of L_ik X_k)
        for start in range(columns.start, n, _TILE):
            rows, before = slice(start, min(start + _TILE, n)), slice(columns.start, start)
            target = -(lower[rows, before] @ inverse[before, columns])
            if start == columns.start:
                target[np.diag_indices(len(target))] += 1
            inverse[rows, columns] = linalg.solve_triangular(
                lower[rows, rows], target, lower=True, check_finite=False
            )

    each_block(n, _TILE, invert_columns, threads)
    whole = lower  # L is needed no more

    def multiply(columns: slice) -> None:
        # rows of L^-1 above these add nothing; what is right of the diagonal is mirrored
        first = columns.start
        product = inverse[first:, first:].T @ inverse[first:, columns]
        whole[columns, first:] = product.T
        whole[first:, columns] = product

    each_block(n, _TILE, multiply, threads)
    return whole
