"""From scores to top-k lists and exact ranks, block by block: users x items never exists.

What is left is the matrix product: at 256 factors it takes three quarters of the time.
To prune items by a bound on part of the factors (the leading directions of Y, and
Cauchy-Schwarz for the rest) does not pay: with half of 256 factors 64% of the items of
MovieLens-1M remain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from cfexp.arrays import frozen
from cfexp.parallel import each_block
from cfexp.vectors import LANES, above, larger, load, set_bits, splat, store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cfexp.arrays import Codes, Floats, Longs, Mask, Matrix

BLOCK = 256  # users scored at a time: enough for a matrix product at full speed
_PARTS = 3  # parts of a row for each item of its top k


@dataclass(frozen=True, eq=False)
class ExactRanks:
    """Where given items stand among all that their users could be recommended.

    `starts` (n_users + 1) and `items`: the items asked for, as in a CSR matrix. For each
    of them, `before`: how many of the user's items come before it, in the order of the
    lists (-1 for an item that cannot be recommended); `above`: how many have a higher
    score; `tied`: how many others have its score. `n_ranked`: how many items each user
    could be recommended. Counted, not sorted; `top_k` fills them in.
    """

    starts: Longs
    items: Codes
    before: Longs
    above: Longs
    tied: Longs
    n_ranked: Longs

    @classmethod
    def of(cls, wanted: Matrix) -> ExactRanks:
        """Return ranks to be filled in, for every entry of `wanted` (users x items)."""
        n = wanted.nnz
        return cls(
            starts=frozen(np.asarray(wanted.indptr, np.int64)),
            items=frozen(np.asarray(wanted.indices, np.int32)),
            before=np.full(n, -1, np.int64),
            above=np.zeros(n, np.int64),
            tied=np.zeros(n, np.int64),
            n_ranked=np.zeros(wanted.shape[0], np.int64),
        )


def top_k(
    scores: Callable[[slice], Floats],
    n_users: int,
    k: int,
    *,
    hidden: Matrix | None = None,
    candidates: Mask | None = None,
    ranks: ExactRanks | None = None,
    threads: int | None = None,
) -> tuple[Codes, Floats]:
    """Return the `k` best items of every user and their scores, best first.

    Parameters
    ----------
    scores
        Given a slice of users, returns a new float32 array (users of the slice x
        items), which is overwritten. Called from several threads at once.
    n_users, k
        The shape of what is returned.
    hidden
        n_users x items; items with an entry in a user's row are left out.
    candidates
        One bool per item; the others are left out.
    ranks
        Exact ranks of some items, to be filled in on the way.
    threads
        How many threads may work (None: all cores); the result is the same for any.

    Returns
    -------
    items, scores
        int32 and float32, n_users x k. Ties go to the lower item code. Scores of NaN
        or -inf count as left out; where fewer than k items remain, the list ends in
        items -1 with scores -inf.

    Raises
    ------
    ValueError
        When `k` is below 1, `hidden` or `ranks` has another number of rows, or `hidden`,
        `candidates` or `ranks` speaks of other items than there are scores of.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if hidden is not None and hidden.shape[0] != n_users:
        raise ValueError(f"hidden has {hidden.shape[0]} rows for {n_users} users")
    if ranks is not None and len(ranks.n_ranked) != n_users:
        raise ValueError(f"ranks has {len(ranks.n_ranked)} rows for {n_users} users")
    starts = np.zeros(n_users + 1, np.int64) if hidden is None else hidden.indptr
    starts = frozen(np.asarray(starts, np.int64))
    entries = frozen(np.asarray([] if hidden is None else hidden.indices, np.int32))
    others = np.zeros(0, np.int32) if candidates is None else np.flatnonzero(~candidates)
    others = frozen(others.astype(np.int32))
    items = np.empty((n_users, k), np.int32)
    values = np.empty((n_users, k), np.float32)

    last = {"hidden": int(entries.max(initial=-1))}
    if ranks is not None:
        last["ranks"] = int(ranks.items.max(initial=-1))

    def rank(block: slice) -> None:
        part = np.ascontiguousarray(scores(block), np.float32)
        _refuse_misfit(part.shape[1], last, candidates)
        _select(part, starts, entries, others, block.start, items, values)
        if ranks is not None:
            found = (ranks.before, ranks.above, ranks.tied, ranks.n_ranked)
            _count(part, ranks.starts, ranks.items, block.start, *found)

    each_block(n_users, BLOCK, rank, threads)
    return items, values


def _refuse_misfit(n_items: int, last: Mapping[str, int], candidates: Mask | None) -> None:
    """Raise ValueError for items that there is no score of: compiled loops do not look."""
    for what, item in last.items():
        if item >= n_items:
            raise ValueError(f"{what} has an item {item}, and there are scores of {n_items} items")
    if candidates is not None and len(candidates) != n_items:
        raise ValueError(f"there are {len(candidates)} candidates for scores of {n_items} items")


@njit(nogil=True, cache=True)
def _select(  # noqa: PLR0917 - compiled, like the types
    scores: Any,  # noqa: ANN401 - float32 (users of the block, n_items), overwritten
    starts: Any,  # noqa: ANN401 - int64 (n_users + 1)
    entries: Any,  # noqa: ANN401 - int32
    others: Any,  # noqa: ANN401 - int32
    first: int,
    items: Any,  # noqa: ANN401 - int32 (n_users, k), written
    values: Any,  # noqa: ANN401 - float32 (n_users, k), written
) -> None:
    n_items = scores.shape[1]
    k = items.shape[1]
    whole = n_items // LANES * LANES
    maxima = np.empty(-(-_PARTS * k // LANES) * LANES, np.float32)
    for i in range(scores.shape[0]):
        row, best, best_at = scores[i], values[first + i], items[first + i]
        for e in range(starts[first + i], starts[first + i + 1]):
            row[entries[e]] = -np.inf
        for e in range(others.shape[0]):
            row[others[e]] = -np.inf
        best[:] = -np.inf
        best_at[:] = -1
        least = _bound(row, k, maxima)
        for base in range(0, n_items, LANES):
            if base < whole and above(row, base, least) == 0:
                continue
            for item in range(base, min(base + LANES, n_items)):
                score = row[item]
                if score > least:
                    # goes behind its equals, which have lower codes
                    j = k - 1
                    while j > 0 and score > best[j - 1]:
                        best[j] = best[j - 1]
                        best_at[j] = best_at[j - 1]
                        j -= 1
                    best[j] = score
                    best_at[j] = item
                    least = max(least, best[k - 1])


@njit(nogil=True, cache=True)
def _bound(row: Any, k: int, maxima: Any) -> Any:  # noqa: ANN401 - float32 (n_items); scratch
    """Return a number that at least k of `row` are above, found without sorting.

    It lies just below the k-th largest of the maxima of interleaved parts of the row;
    -inf where the row is too short for that many parts.
    """
    parts = len(maxima)
    if row.shape[0] < 2 * parts:
        return np.float32(-np.inf)
    for part in range(0, parts, LANES):
        most = splat(np.float32(-np.inf))
        for base in range(part, row.shape[0] - LANES + 1, parts):
            most = larger(load(row, base), most)
        store(maxima, part, most)
    bound = np.float32(np.inf)
    for part in range(parts):
        if maxima[part] < bound:
            above_it = 0
            for base in range(0, parts, LANES):
                above_it += set_bits(above(maxima, base, maxima[part]))
            if above_it < k:
                bound = maxima[part]
    return np.nextafter(bound, np.float32(-np.inf))


@njit(nogil=True, cache=True)
def _count(  # noqa: PLR0917 - compiled, like the types
    scores: Any,  # noqa: ANN401 - float32 (users of the block, n_items), -inf where hidden
    starts: Any,  # noqa: ANN401 - int64 (n_users + 1)
    wanted: Any,  # noqa: ANN401 - int32
    first: int,
    before: Any,  # noqa: ANN401 - int64, written, like the next
    above: Any,  # noqa: ANN401 - int64
    tied: Any,  # noqa: ANN401 - int64
    n_ranked: Any,  # noqa: ANN401 - int64 (n_users)
) -> None:
    nothing = np.float32(-np.inf)
    for i in range(scores.shape[0]):
        row = scores[i]
        n_ranked[first + i] = _n_above(row, nothing)
        for e in range(starts[first + i], starts[first + i + 1]):
            item = wanted[e]
            score = row[item]
            if score > nothing:  # neither hidden nor NaN
                left, right = row[:item], row[item + 1 :]
                higher = _n_above(right, score)
                above[e] = _n_above(left, score) + higher
                before[e] = _n_from(left, score) + higher  # ties of lower codes go first
                tied[e] = before[e] - higher + _n_from(right, score) - above[e]


@njit(nogil=True, cache=True)
def _n_above(row: Any, bound: Any) -> Any:  # noqa: ANN401 - float32
    count = np.int32(0)
    for j in range(row.shape[0]):
        count += np.int32(row[j] > bound)
    return count


@njit(nogil=True, cache=True)
def _n_from(row: Any, bound: Any) -> Any:  # noqa: ANN401 - float32
    count = np.int32(0)
    for j in range(row.shape[0]):
        count += np.int32(row[j] >= bound)
    return count


def _plain_select(scores: Floats, hidden: Mask, candidates: Mask, k: int) -> tuple[Codes, Floats]:
    """Do what `top_k` does, with whole matrices: the plain twin of `_select`."""
    kept = np.where(hidden | ~candidates | np.isnan(scores), -np.inf, scores)
    missing = ((0, 0), (0, max(0, k - scores.shape[1])))
    kept = np.pad(kept, missing, constant_values=-np.inf)
    order = np.argsort(-kept, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(kept, order, axis=1).astype(np.float32)
    return np.where(np.isneginf(values), -1, order).astype(np.int32), values
