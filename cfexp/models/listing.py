"""A scorer's best items for some users: candidates by mask or code, scores for display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.data.rows.sound import csr_of, exchanged
from cfexp.errors import DataError
from cfexp.ranking import top_k

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.data.positives import Positives
    from cfexp.models.scorer import Scorer


def best_items(
    scorer: Scorer,
    queries: Any,  # noqa: ANN401 - what `Scorer.queries` returns
    k: int,
    *,
    history: Positives,
    filter_seen: bool,
    hidden: Matrix | None,
    candidates: Mask | Codes | None,
    rescale: bool,
) -> tuple[Codes, Floats]:
    """Return what `Scorer.recommend` says for queries, one for each row of `history`."""
    n_users = history.shape[0]
    lowest = np.zeros(n_users, np.float32)

    def scores(block: slice) -> Floats:
        found = scorer.scores(queries[block])
        if rescale:
            lowest[block] = found.min(axis=1)
        return found

    allowed = None if candidates is None else _mask(np.asarray(candidates), scorer.n_items)
    if hidden is not None:
        hidden = _checked(hidden, (n_users, scorer.n_items))
    elif filter_seen:
        hidden = history.matrix
    items, values = top_k(
        scores, n_users, k, hidden=hidden, candidates=allowed, threads=scorer.threads
    )
    return items, _rescaled(values, lowest[:, None], items >= 0) if rescale else values


def refuse_codes(codes: AnyArray, n: int, what: str) -> None:
    """Raise IndexError unless all of `codes` are in 0..n-1; `what` they stand for."""
    wrong = codes[(codes < 0) | (codes >= n)]
    if wrong.size:
        raise IndexError(f"{what} must be codes in 0..{n - 1}, got {wrong[0]}")


def _checked(hidden: Any, shape: tuple[int, int]) -> Matrix:  # noqa: ANN401 - whatever SciPy reads
    """Return the caller's own `hidden` as CSR, or raise DataError."""
    matrix = csr_of(hidden)
    if matrix.shape != shape:
        raise DataError(
            f"hidden has shape {matrix.shape}, expected one row for each of the {shape[0]} users "
            f"asked and one column for each of the {shape[1]} items"
            f"{exchanged(matrix.shape, shape)}"
        )
    return matrix


def _rescaled(values: Floats, lowest: Floats, found: Mask) -> Floats:
    """Return 1 for the first of every row and 0 for its lowest; what is not found stays."""
    span = np.where(found[:, :1], values[:, :1] - lowest, 0)
    above = np.where(found, values - lowest, 0)
    scaled = np.divide(above, span, out=np.ones_like(values), where=span > 0)
    return np.where(found, scaled, values)


def _mask(candidates: AnyArray, n_items: int) -> Mask:
    """Return one bool per item for a mask or for codes."""
    if candidates.dtype == bool:
        if candidates.shape != (n_items,):
            raise IndexError(
                f"a mask of candidates must have one bool for each of the {n_items} items, "
                f"got shape {candidates.shape}"
            )
        return candidates
    refuse_codes(candidates, n_items, "candidates")
    mask = np.zeros(n_items, bool)
    mask[candidates.astype(np.int64)] = True
    return mask
