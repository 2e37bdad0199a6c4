"""ALS in plain NumPy and float64, as the paper writes it: the twin of the compiled loops.

Hu, Koren & Volinsky, Collaborative Filtering for Implicit Feedback Datasets, 2008.
Slow, meant to be read and to be tested against. `extra` is everywhere the sparse
matrix of c - 1, users x items when users are solved, its transpose for items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import Doubles, Matrix


def objective(x: Doubles, y: Doubles, extra: Matrix, regularization: float) -> float:
    """Equation 3: sum of c (p - x'y)^2 over all pairs + reg (|X|^2 + |Y|^2)."""
    c = 1 + extra.toarray().astype(np.float64)
    p = np.zeros(extra.shape)
    users = np.repeat(np.arange(len(x)), np.diff(extra.indptr))
    p[users, extra.indices] = 1  # also where c - 1 is 0
    return float(np.sum(c * (p - x @ y.T) ** 2) + regularization * (np.sum(x**2) + np.sum(y**2)))


def system(row: int, y: Doubles, extra: Matrix, regularization: float) -> tuple[Doubles, Doubles]:
    """Return A = Y'CY + reg I and b = Y'C p of one row."""
    entries = slice(extra.indptr[row], extra.indptr[row + 1])
    own = y[extra.indices[entries]]
    w = extra.data[entries].astype(np.float64)
    # Y'CY = Y'Y + Y'(C - I)Y, and C - I is zero but for the row's own entries
    a = y.T @ y + own.T @ (w[:, None] * own) + regularization * np.eye(y.shape[1])
    return a, own.T @ (1 + w)


def solved_exactly(y: Doubles, extra: Matrix, regularization: float) -> Doubles:
    """Equation 4: x = (Y'CY + reg I)^-1 Y'C p, for every row."""
    rows = range(extra.shape[0])
    return np.array([np.linalg.solve(*system(row, y, extra, regularization)) for row in rows])


def solved_by_steps(
    x: Doubles, y: Doubles, extra: Matrix, regularization: float, steps: int
) -> Doubles:
    """Take steps of conjugate gradient from `x`, preconditioned by M = Y'Y + reg I."""
    x = x.copy()
    m = y.T @ y + regularization * np.eye(y.shape[1])
    for row in range(extra.shape[0]):
        a, b = system(row, y, extra, regularization)
        r = b - a @ x[row]
        z = np.linalg.solve(m, r)
        p = z
        rz = r @ z
        for _ in range(steps):
            if rz == 0:
                break
            along = rz / (p @ a @ p)
            x[row] += along * p
            r = r - along * (a @ p)
            z = np.linalg.solve(m, r)
            before, rz = rz, r @ z
            p = z + rz / before * p
    return x
