"""Where ALS begins, what it warns of, and when it gives up."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.rows.sound import exchanged
from cfexp.errors import DataError
from cfexp.models.finite import MILDER, refuse_infinite
from cfexp.parallel import one_blas_thread

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Floats
    from cfexp.models.als_scorer import AlsScorer


def item_factors(
    shape: tuple[int, int],
    factors: int,
    rng: np.random.Generator,
    start: AlsScorer | None = None,
    known: Codes | None = None,
) -> Floats:
    """Return the item factors to start from, items x factors, for data of `shape`.

    Normal with deviation 0.1 / sqrt(factors); in place of these, where there is a
    `start`, its factors: as many as wanted, those along which items differ most. `known`
    is, for every item, its code in `start`, or -1.

    Raises
    ------
    DataError
        When `known` does not name one item of `start`, or -1, for every item.
    """
    n_items = shape[1]
    fresh = rng.standard_normal((n_items, factors), np.float32) * np.float32(0.1 / factors**0.5)
    if start is None:
        return fresh
    codes: AnyArray = np.arange(start.n_items) if known is None else np.asarray(known)
    fits = codes.shape == (n_items,) and codes.dtype.kind in "iu"
    if not (fits and ((codes >= -1) & (codes < start.n_items)).all()):
        had = start.history.shape
        raise DataError(
            f"the start has {start.n_items} items and the data {n_items} ({had[0]} x {had[1]} "
            f"and {shape[0]} x {n_items} users x items){exchanged(shape, had)}: `known` must "
            "give, for every item of the data, its code in the start, or -1 for a new one; "
            + ("there is no `known`" if known is None else _described(codes))
        )
    old = start.item_factors
    if old.shape[1] > factors:
        exact = old.astype(np.float64)
        with one_blas_thread:
            _, directions = np.linalg.eigh(exact.T @ exact)
            old = (exact @ directions[:, : -factors - 1 : -1]).astype(np.float32)
    held = codes >= 0
    fresh[held, : old.shape[1]] = old[codes[held]]
    return fresh


def refuse_divergence(numbers: AnyArray | float, name: str, epoch: int) -> None:
    """Raise TrainingError unless `numbers` are finite."""
    refuse_infinite(np.asarray(numbers), f"ALS diverged in epoch {epoch}: the {name}", MILDER)


def _described(codes: AnyArray) -> str:
    span = f" from {codes.min()} to {codes.max()}" if codes.size else ""
    return f"`known` has shape {codes.shape}, {codes.dtype}{span}"


def warn_of_excess(factors: int, shape: tuple[int, int]) -> None:
    """Warn of more factors than users or items."""
    if factors > min(shape):
        warnings.warn(
            f"{factors} factors for {shape[0]} users and {shape[1]} items: more than "
            f"{min(shape)} add nothing",
            stacklevel=3,
        )
