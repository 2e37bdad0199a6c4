"""The loss by which all contenders are measured, in float64 and from factors alone.

    sum over all u, i of c_ui (p_ui - x_u'y_i)^2 + reg (sum |x_u|^2 + sum |y_i|^2)

with p = 1 and c = 1 + alpha r at the entries of the matrix, p = 0 and c = 1 elsewhere
(Hu, Koren & Volinsky 2008, equation 3). It shares no code with the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Matrix

_ENTRIES = 1 << 22  # numbers held at a time: 32 MB in float64


def loss(
    user_factors: AnyArray,
    item_factors: AnyArray,
    matrix: Matrix,
    *,
    alpha: float,
    regularization: float,
) -> float:
    """Return the objective of n x f and m x f factors for an n x m matrix of values r.

    The sum over all pairs of s^2 is the trace of X'X Y'Y; what an entry adds to that is
    c (1 - s)^2 - s^2.
    """
    of_users, of_items = _gram(user_factors), _gram(item_factors)
    total = float(np.sum(of_users * of_items))
    total += regularization * float(np.trace(of_users) + np.trace(of_items))
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    step = max(1, _ENTRIES // user_factors.shape[1])
    for start in range(0, matrix.nnz, step):
        part = slice(start, start + step)
        x = user_factors[users[part]].astype(np.float64)
        y = item_factors[matrix.indices[part]].astype(np.float64)
        s = np.einsum("ij,ij->i", x, y)
        c = 1 + alpha * matrix.data[part].astype(np.float64)
        total += float(np.sum(c * (1 - s) ** 2 - s**2))
    return total


def _gram(factors: AnyArray) -> AnyArray:
    gram = np.zeros((factors.shape[1], factors.shape[1]))
    step = max(1, _ENTRIES // factors.shape[1])
    for start in range(0, len(factors), step):
        part = factors[start : start + step].astype(np.float64)
        gram += part.T @ part
    return gram
