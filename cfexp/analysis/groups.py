"""Values to groups: by edges, by quantiles, by the values themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import EvaluationError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import AnyArray, Doubles, Longs

UNKNOWN, OTHER = "unknown", "other"
MOST = 30
"""How many distinct values a column may have that is grouped by its values."""


@dataclass(frozen=True, eq=False)
class Groups:
    """`labels` of the groups in their order, and each value's position among them."""

    labels: tuple[str, ...]
    codes: Longs


def by_edges(values: AnyArray, edges: Sequence[float]) -> Groups:
    """Return the groups between `edges`, an edge belonging to the upper one.

    Values that are not numbers (NaN) are a group of their own, the last.
    """
    whole = _whole(values) and _whole(np.asarray(edges))
    names = [text(edge) for edge in edges]
    between = []
    for low, high in pairwise(edges):
        if not whole:
            between.append(f"{text(low)} to <{text(high)}")
        else:
            between.append(text(low) if high == low + 1 else f"{text(low)}-{text(high - 1)}")
    labels = (f"<{names[0]}", *between, f">={names[-1]}")
    return _with_unknown(values, np.searchsorted(edges, values, side="right"), labels)


def by_quantiles(values: AnyArray, n: int) -> Groups:
    """Return `n` groups of about equal size, fewer where ties leave no other choice.

    Equal values stay together: a group ends after the distinct value at which the
    number of values so far is nearest to its share. Labels are the lowest and highest
    value inside; values that are not numbers (NaN) are a group of their own, the last.
    """
    known = values[~np.isnan(values)]
    distinct, counts = np.unique(known, return_counts=True)
    so_far = np.cumsum(counts)[:-1]  # a group after the last distinct value would be empty
    wanted = len(known) * np.arange(1, n) / n
    ends = np.unique([np.abs(so_far - share).argmin() for share in wanted if len(so_far)])
    ends = ends.astype(np.int64)
    starts = np.append(0, ends + 1) if len(distinct) else ends
    lasts = np.append(ends, len(distinct) - 1) if len(distinct) else ends
    spans = zip(distinct[starts], distinct[lasts], strict=True)
    labels = tuple(span(low, high, whole=_whole(known)) for low, high in spans)
    return _with_unknown(values, np.searchsorted(distinct[ends], values, side="left"), labels)


def by_value(values: AnyArray, chosen: Sequence[float | str] | None, name: str) -> Groups:
    """Return one group per distinct value, or per `chosen` one and one for all others.

    `values` are numbers (NaN where unknown) or text ("" or "unknown" where unknown).

    Raises
    ------
    EvaluationError
        When nothing is chosen and there are more than `MOST` distinct values.
    """
    distinct, codes = np.unique(values, return_inverse=True)
    names = [_label(value) for value in distinct]
    wanted = [value for value in names if value != UNKNOWN]
    if chosen is not None:
        wanted = [text(value) for value in chosen]
    elif len(wanted) > MOST:
        edges = " or edges = [...] or quantiles = 4" if values.dtype.kind == "f" else ""
        raise EvaluationError(
            f"[[buckets]] by = {name!r}: the column has {len(wanted):,} distinct values, more "
            f"than {MOST}; choose with values = [{wanted[0]!r}, ...] (the rest is {OTHER!r}){edges}"
        )
    rest = "all others" if OTHER in wanted else OTHER
    kinds = [known if known in {*wanted, UNKNOWN} else rest for known in names]
    labels = [*dict.fromkeys(wanted)]
    labels += [extra for extra in (rest, UNKNOWN) if extra in kinds and extra not in labels]
    places = np.array([labels.index(kind) for kind in kinds], np.int64)
    return Groups(tuple(labels), places[codes])


def refuse_absent(values: AnyArray, chosen: Sequence[float | str], name: str) -> None:
    """Raise EvaluationError when nobody has a value that was chosen."""
    names = {_label(value) for value in np.unique(values)}
    for value in map(text, chosen):
        if value not in names:
            raise EvaluationError(
                f"[[buckets]] by = {name!r}: no user has the value {value!r}"
                + did_you_mean(value, names)
            )


def text(value: float | str) -> str:
    """Return a value as people write it: whole numbers without a point."""
    if isinstance(value, str):
        return str(value)  # NumPy's own prints otherwise
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def span(low: float, high: float, *, whole: bool) -> str:
    """Return what lies from `low` to `high`, both inside."""
    between = "-" if whole and low >= 0 else " to "
    return text(low) if low == high else f"{text(low)}{between}{text(high)}"


def _label(value: float | str) -> str:
    missing = not value if isinstance(value, str) else np.isnan(value)
    return UNKNOWN if missing else text(value)


def _whole(values: AnyArray | Doubles) -> bool:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return bool((known == np.round(known)).all())


def _with_unknown(values: AnyArray, codes: Longs, labels: tuple[str, ...]) -> Groups:
    unknown = np.isnan(values)
    if unknown.any():
        return Groups((*labels, UNKNOWN), np.where(unknown, len(labels), codes))
    return Groups(labels, codes)
