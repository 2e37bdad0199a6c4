"""Half a sweep of ALS: the factors of one side, solved against those of the other.

For fixed factors y_i every row's factors x solve

    (G + sum_i w_i y_i y_i') x = sum_i c_i y_i,    G = Y'Y + reg I,    w_i = c_i - 1,

with sums over the row's entries (Hu, Koren & Volinsky 2008, equation 4). With G = L L'
and the whitened coordinates z_i = L^-1 y_i, u = L' x the same system reads

    (I + sum_i w_i z_i z_i') u = sum_i c_i z_i.

Its dense part is gone, and conjugate gradient on it is conjugate gradient on the
first, preconditioned by G: the condition number is at most 1 + max w, so that two or
three steps suffice. Where each row has a regularization of its own, reg + ridge, G is
taken apart as Q diag(g) Q' instead of L L', and z_i = diag(g)^-1/2 Q'y_i: the ridge is
then the diagonal matrix ridge / g, which also preconditions. Factors are kept in the
coordinates in which they were solved (`solved`), with the float64 matrix that leads back
(`back`): X = solved @ back.

What was tried and does not pay here (MovieLens-1M, 64 factors): in these coordinates
three steps lower the loss as much per epoch as the exact solution does (alpha 4:
858,830 after 8 epochs against 858,861; alpha 40: 2,082,467 against 2,083,206), so that
Cholesky loses by its 8-fold time, and blocks of coordinates (iALS++, Rendle et al. 2021)
both in loss (859,226 with blocks of 16; 2,105,342) and in work: 72 vector operations per
entry where three steps take 28, as there is no dense part for them to save.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from cfexp.arrays import AnyArray, Doubles, Floats, entries, frozen
from cfexp.errors import TrainingError
from cfexp.models import exact, kernels
from cfexp.models.finite import MILDER
from cfexp.parallel import each_block, one_blas_thread
from cfexp.vectors import LANES

if TYPE_CHECKING:
    from cfexp.data.positives import History

_ROWS = 128  # rows solved at a time
_GRAM_ROWS = 1024  # rows whose products are summed at a time
_GROWN = f"ALS diverged: the factors have grown beyond what can be computed with; {MILDER}"


@dataclass(frozen=True, eq=False)
class Rows:
    """A sparse matrix as kernels take it.

    `weights` holds w = c - 1 of every entry, `ridge` what is added to the
    regularization of each row.
    """

    indptr: AnyArray
    indices: AnyArray
    weights: AnyArray
    ridge: AnyArray

    @classmethod
    def of(cls, matrix: History, weights: Floats, ridge: AnyArray | float = 0.0) -> Rows:
        """Return `matrix` with the given weights in place of its values."""
        indptr, indices, _ = entries(matrix)
        return cls(
            indptr,
            indices,
            frozen(np.asarray(weights, np.float32)),
            frozen(np.full(matrix.shape[0], ridge, np.float32)),
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True)
class Solver:
    """How a row's system is solved; `tolerance` above 0 lets conjugate gradient end early."""

    name: str
    steps: int = 0
    tolerance: float = 0.0

    def __str__(self) -> str:
        if self.name == "cholesky":
            return self.name
        return f"{self.name}, {self.steps} step{'' if self.steps == 1 else 's'}"

    def __call__(
        self, rows: Rows, diagonal: Floats, fixed: Floats, block: slice, solved: Floats
    ) -> None:
        """Solve the rows of `block`, in place, from what `solved` holds."""
        arrays = (rows.indptr, rows.indices, rows.weights, rows.ridge, diagonal, fixed)
        if self.name == "cholesky":
            exact.cholesky(*arrays, block.start, block.stop, solved)
        else:
            kernels.conjugate_gradient(
                *arrays, block.start, block.stop, self.steps, self.tolerance, solved
            )


def padded(factors: int) -> int:
    """Return how many columns so many factors take: whole vectors."""
    return -(-factors // LANES) * LANES


def gram_size(n: int, f: int) -> int:
    """Return the bytes that `Side.gram` takes for n rows of f factors."""
    return 8 * f * f * (-(-n // _GRAM_ROWS) + 3)


@dataclass(eq=False)
class Side:
    """The factors of all users or of all items: `solved @ back`."""

    solved: Floats
    back: Doubles
    threads: int | None

    @classmethod
    def of(cls, factors: Floats, threads: int | None) -> Side:
        """Start from given factors, padded with zeros to whole vectors."""
        n, f = factors.shape
        solved = np.zeros((n, padded(f)), np.float32)
        solved[:, :f] = factors
        return cls(solved, np.eye(padded(f)), threads)

    def copy(self) -> Side:
        """Return a side that changes on its own."""
        return Side(self.solved.copy(), self.back, self.threads)

    def factors(self, f: int) -> Floats:
        """Return a new array of the factors, n x f."""
        return np.ascontiguousarray(self.times(np.eye(self.back.shape[0]))[:-1, :f])

    def gram(self) -> Doubles:
        """Return X'X in float64, summed in fixed chunks."""
        n = len(self.solved)
        parts = np.empty((-(-n // _GRAM_ROWS), *self.back.shape))

        def add(block: slice) -> None:
            part = self.solved[block].astype(np.float64)
            np.matmul(part.T, part, out=parts[block.start // _GRAM_ROWS])

        each_block(n, _GRAM_ROWS, add, self.threads)
        gram: Doubles = self.back.T @ parts.sum(axis=0) @ self.back
        return gram

    def penalty(self, ridge: AnyArray) -> float:
        """Return the sum of ridge |x|^2 over the rows."""
        if not ridge.any():
            return 0.0
        squares = np.square(self.times(np.eye(self.back.shape[0]))[:-1].astype(np.float64))
        return float((ridge * squares.sum(axis=1)).sum())  # not BLAS, whose threads round

    def times(self, matrix: Doubles) -> Floats:
        """Return the factors times `matrix`, and a last row of zeros."""
        product = np.zeros((len(self.solved) + 1, matrix.shape[1]), np.float32)
        through = (self.back @ matrix).astype(np.float32)

        def multiply(block: slice) -> None:
            np.matmul(self.solved[block], through, out=product[block])

        each_block(len(self.solved), _ROWS, multiply, self.threads)
        return product


class Whitened:
    """The fixed side of half a sweep in whitened coordinates.

    `ridged` says that rows may have a regularization of their own.
    """

    def __init__(self, fixed: Side, regularization: float, *, ridged: bool = False) -> None:
        with one_blas_thread:
            gram = fixed.gram()
            gram[np.diag_indices_from(gram)] += regularization
            self.lower: Doubles
            self.inverse: Doubles
            try:
                g = self._by_directions(gram, regularization) if ridged else self._lower(gram)
            except np.linalg.LinAlgError as error:
                raise TrainingError(_GROWN) from error
            self.diagonal = frozen((1 / g).astype(np.float32))
            self.factors = frozen(fixed.times(self.inverse.T))

    def _lower(self, gram: Doubles) -> Doubles:
        self.lower = np.asarray(np.linalg.cholesky(gram), np.float64)
        self.inverse = np.tril(lapack.dtrtri(self.lower, lower=1)[0])
        return np.ones(len(gram))

    def _by_directions(self, gram: Doubles, least: float) -> Doubles:
        g, q = np.linalg.eigh(gram)
        g = np.asarray(np.maximum(g, least), np.float64)
        self.lower = q * np.sqrt(g)
        self.inverse = (q / np.sqrt(g)).T
        return g

    def enter(self, free: Side) -> None:
        """Change the coordinates of the free side, in place, to those it is solved in."""
        with one_blas_thread:
            there = (free.back @ self.lower).astype(np.float32)

        def change(block: slice) -> None:
            free.solved[block] = free.solved[block] @ there

        each_block(len(free.solved), _ROWS, change, free.threads)
        free.back = self.inverse

    def solve(self, rows: Rows, free: Side, solver: Solver) -> None:
        """Solve all rows of the free side, in place, from the factors it has."""
        if free.back is not self.inverse:
            self.enter(free)

        def solve(block: slice) -> None:
            solver(rows, self.diagonal, self.factors, block, free.solved[block])

        try:
            each_block(len(rows), _ROWS, solve, free.threads)
        except np.linalg.LinAlgError as error:
            raise TrainingError(_GROWN) from error


def loss(  # noqa: PLR0917 - a pair of each
    users: Side, items: Side, by_user: Rows, by_item: Rows, of_users: float, of_items: float
) -> float:
    """Return the exact objective, in float64; `of_users` and `of_items` are regularizations.

    sum c (p - s)^2 over all pairs = sum s^2 over all pairs + sum c (1 - s)^2 - s^2 over
    the entries, and the first of these is the trace of X'X Y'Y.
    """
    with one_blas_thread:
        gram, other = users.gram(), items.gram()
        # s = x'y = u'(back y) for x = back' u
        fixed = frozen(items.times(users.back.T))
    parts = np.zeros(-(-len(by_user) // _ROWS))

    def add(block: slice) -> None:
        parts[block.start // _ROWS] = kernels.squared_errors(
            by_user.indptr,
            by_user.indices,
            by_user.weights,
            fixed,
            block.start,
            block.stop,
            users.solved[block],
        )

    each_block(len(by_user), _ROWS, add, users.threads)
    penalty = of_users * np.trace(gram) + of_items * np.trace(other)
    penalty += users.penalty(by_user.ridge) + items.penalty(by_item.ridge)
    return float(np.sum(gram * other) + parts.sum() + penalty)
