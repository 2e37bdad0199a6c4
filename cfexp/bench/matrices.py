"""What is measured on: MovieLens-1M, or made-up matrices of any size, in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from scipy import sparse

from cfexp.data.feedback import Feedback
from cfexp.data.files.places import Places, data_dir
from cfexp.data.public.movielens import MovieLens
from cfexp.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import AnyArray, Longs, Matrix

_PARTS = ("data", "indices", "indptr")
_TASTES = 16
_FAITHFUL = 0.8  # share of a user's entries that lie in their two tastes
_POPULARITY = 1.1  # exponent of the items' power law
_ACTIVITY = 1.2  # deviation of the logarithm of the users' numbers of entries
_LEAST = 1_000
_TRIES = 2  # times that pairs are drawn by taste and popularity


def movielens() -> Matrix:
    """Return MovieLens-1M's ratings of 4 and 5 as ones, users x movies."""
    places = Places(data_dir(), data_dir())
    rows = MovieLens(edition="ml-1m").load(places)
    return Feedback(positive_from=4.0, values="ones").positives(rows).matrix


def synthetic(nnz: int) -> Matrix:
    """Return a users x items matrix with exactly `nnz` ones, shaped like MovieLens.

    At 25 million entries it has about 167,000 users and 60,000 items, at one million
    6,700 and 4,000. The users' activity is log-normal, the items' popularity a power
    law, and most of a user's items belong to two of 16 tastes, so that there is
    something for factors to find.
    """
    if nnz < _LEAST:
        raise InputError(f"a synthetic matrix has at least {_LEAST:,} non-zeros, got {nnz:,}")
    rng = np.random.default_rng(0)
    root = nnz**0.5
    n_users = round(max(nnz / 150, 2 * root))
    n_items = round(max(4_000 * (nnz / 1e6) ** 0.84, 3 * root))
    n_items = -(-n_items // _TASTES) * _TASTES
    weight = rng.lognormal(0, _ACTIVITY, n_users)
    weight = np.minimum(weight, weight.mean() * n_users * n_items / (4 * nnz))
    tastes = rng.integers(_TASTES, size=(n_users, 2))
    pairs, tries = np.empty(0, np.int64), 0
    while len(pairs) < nnz:  # pairs drawn twice count once: the rest is drawn again
        missing = nnz - len(pairs)
        drawn = _draw(
            rng, weight, tastes, missing + missing // 3 + 100, n_items, choosy=tries < _TRIES
        )
        pairs, tries = _distinct(np.concatenate([pairs, drawn])), tries + 1
    surplus = rng.choice(len(pairs), len(pairs) - nnz, replace=False, shuffle=False)
    pairs = np.delete(pairs, surplus)
    user, item = np.divmod(pairs, n_items)
    indptr = np.searchsorted(user, np.arange(n_users + 1)).astype(np.int32)
    ones = np.ones(nnz, np.float32)
    matrix = sparse.csr_array((ones, item.astype(np.int32), indptr), shape=(n_users, n_items))
    return cast("Matrix", matrix)


def _draw(
    rng: np.random.Generator,
    weight: AnyArray,
    tastes: Longs,
    n: int,
    n_items: int,
    *,
    choosy: bool,
) -> Longs:
    """Return n codes user * n_items + item; item `16 r + t` is the r-th of taste t.

    Who is not choosy takes any item: some have had all that they would choose.
    """
    user = np.repeat(np.arange(len(weight)), rng.multinomial(n, weight / weight.sum()))
    if not choosy:
        return np.asarray(user * n_items + rng.integers(n_items, size=n))
    taste = tastes[user, rng.integers(2, size=n)]
    strays = np.flatnonzero(rng.random(n) >= _FAITHFUL)
    taste[strays] = rng.integers(_TASTES, size=len(strays))
    # the inverse of the distribution function of (rank + 3)^-a, rank below n_items / 16
    power = 1 - _POPULARITY
    low, high = 3.0**power, (3.0 + n_items // _TASTES) ** power
    rank = ((low + (high - low) * rng.random(n)) ** (1 / power) - 3).astype(np.int64)
    item = np.clip(rank, 0, n_items // _TASTES - 1) * _TASTES + taste
    # codes say nothing about popularity
    return np.asarray(user * n_items + np.random.default_rng(1).permutation(n_items)[item])


def _distinct(pairs: Longs) -> Longs:
    pairs.sort()  # several times faster than np.unique, which hashes
    kept: Longs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
    return kept


def save(matrix: Matrix, folder: Path) -> None:
    """Write a matrix for child processes."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in _PARTS:
        np.save(folder / f"{part}.npy", getattr(matrix, part), allow_pickle=False)
    np.save(folder / "shape.npy", np.array(matrix.shape), allow_pickle=False)


def load(folder: Path) -> Matrix:
    """Read a matrix into memory."""
    parts = tuple(np.load(folder / f"{part}.npy", allow_pickle=False) for part in _PARTS)
    users, items = np.load(folder / "shape.npy", allow_pickle=False).tolist()
    matrix = sparse.csr_array(parts, shape=(users, items), copy=False)
    matrix.has_canonical_format = True
    return cast("Matrix", matrix)
