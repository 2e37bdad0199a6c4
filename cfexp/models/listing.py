"""A scorer's best items for some users: candidates by mask or code, scores for display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.ranking import top_k

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.models.model import Scorer


def best_items(
    scorer: Scorer,
    queries: Any,  # noqa: ANN401 - what `Scorer.queries` returns
    k: int,
    *,
    n_users: int,
    hidden: Matrix | None,
    candidates: Mask | Codes | None,
    rescale: bool,
) -> tuple[Codes, Floats]:
    """Return what `Scorer.recommend` says for `n_users` queries."""
    lowest = np.zeros(n_users, np.float32)

    def scores(block: slice) -> Floats:
        found = scorer.scores(queries[block])
        if rescale:
            lowest[block] = found.min(axis=1)
        return found

    allowed = None if candidates is None else _mask(np.asarray(candidates), scorer.n_items)
    items, values = top_k(
        scores, n_users, k, hidden=hidden, candidates=allowed, threads=scorer.threads
    )
    return items, _rescaled(values, lowest[:, None], items >= 0) if rescale else values


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
    if candidates.size and not (candidates.min() >= 0 and candidates.max() < n_items):
        raise IndexError(f"candidates must be item codes in 0..{n_items - 1}")
    mask = np.zeros(n_items, bool)
    mask[candidates.astype(np.int64)] = True
    return mask
