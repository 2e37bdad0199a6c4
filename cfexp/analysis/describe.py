"""`describe`: what a log of interactions is like, before anything is learnt from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.metrics.beyond_accuracy import inequality
from cfexp.splits.moments import written

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Longs, Mask
    from cfexp.data.interactions import Interactions

QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
_DAY = 86_400_000_000  # microseconds
_HELD_OUT = (0.1, 0.2)
_POINTS = 200  # of a curve
_BINS = 60
_FEW_VALUES = 20


@dataclass(frozen=True)
class Spread:
    """How rows are spread over users, or over items; those without rows do not count."""

    n: int
    mean: float
    quantiles: dict[str, float]
    gini: float
    """0 when all have equally many rows, near 1 when few have nearly all."""
    top_percent: float
    """The share of the rows that the hundredth part with the most rows has (at least one)."""
    at_least: tuple[tuple[float, float], ...]
    """(rows, share of those with at least so many), for a chart."""


@dataclass(frozen=True)
class Cut:
    """What a split at one moment makes cold: the newest `held_out` of the rows, predicted."""

    held_out: float
    begins: str
    items: float
    """Share of the held-out rows' items that occur in no older row."""
    rows: float
    """Share of the held-out rows that are of such items."""
    users: float
    """Share of the held-out rows' users who have no older row."""


@dataclass(frozen=True)
class Times:
    """When: first and last are ISO text in UTC."""

    first: str
    last: str
    days: float
    distinct: int
    together: float
    """Share of the rows that another row of their user shares the moment with."""
    rows_in: tuple[tuple[str, int], ...]
    """(beginning, rows) of equal stretches of time."""
    cuts: tuple[Cut, ...]


@dataclass(frozen=True)
class Values:
    """What rows say of how much: `shares` is of every value, where there are few.

    `at_least` are pairs of a value and the share of the rows with at least so much, for a chart.
    """

    low: float
    high: float
    mean: float
    distinct: int
    whole: bool
    shares: tuple[tuple[float, float], ...]
    at_least: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Description:
    """A log in numbers; shares lie between 0 and 1."""

    rows: int
    users: int
    items: int
    pairs: int
    """Different pairs of user and item."""
    density: float
    """Pairs by users x items."""
    repeat_rate: float
    """Share of the rows that repeat an earlier pair: 1 - pairs / rows."""
    activity: Spread
    """Rows of users."""
    popularity: Spread
    """Rows of items."""
    values: Values
    times: Times | None


def describe(rows: Interactions) -> Description:
    """Return what `rows` are like; there must be at least one."""
    of_users, of_items = (count[count > 0] for count in (rows.user_lengths, np.bincount(rows.item)))
    pairs = _distinct(rows.user.astype(np.int64) * len(rows.items) + rows.item)
    return Description(
        rows=len(rows),
        users=len(of_users),
        items=len(of_items),
        pairs=pairs,
        density=pairs / (len(of_users) * len(of_items)),
        repeat_rate=1 - pairs / len(rows),
        activity=_spread(of_users),
        popularity=_spread(of_items),
        values=_values(rows),
        times=None if rows.time is None else _times(rows, rows.time),
    )


def _distinct(keys: Longs) -> int:
    """Return how many different numbers there are; sorts them in place."""
    keys.sort()
    return 1 + int(np.count_nonzero(keys[1:] != keys[:-1]))


def _spread(counts: Longs) -> Spread:
    most = np.sort(counts)[::-1]
    return Spread(
        n=len(counts),
        mean=float(counts.mean()),
        quantiles={f"{q:g}": float(np.quantile(counts, q)) for q in QUANTILES},
        gini=inequality(counts, len(counts)),
        top_percent=float(most[: -(-len(counts) // 100)].sum() / counts.sum()),
        at_least=_at_least(*np.unique(counts, return_counts=True)),
    )


def _at_least(different: AnyArray, how_many: Longs) -> tuple[tuple[float, float], ...]:
    """Return some of the `different` numbers, ascending, each with the share of no lower ones.

    They lie evenly on an axis of logarithms, or on a plain one where not all are above 0.
    """
    share = np.cumsum(how_many[::-1])[::-1] / how_many.sum()
    spaced = np.geomspace if different[0] > 0 else np.linspace
    wanted = spaced(different[0], different[-1], _POINTS)
    chosen = np.unique(np.searchsorted(different, wanted).clip(0, len(different) - 1))
    return tuple(zip(different[chosen].tolist(), share[chosen].tolist(), strict=True))


def _values(rows: Interactions) -> Values:
    found, counts = np.unique(rows.value, return_counts=True)
    shares = zip(found.tolist(), (counts / len(rows)).tolist(), strict=True)
    return Values(
        low=float(found[0]),
        high=float(found[-1]),
        mean=float(rows.value.mean(dtype=np.float64)),
        distinct=len(found),
        whole=bool((found == np.round(found)).all()),
        shares=tuple(shares) if len(found) <= _FEW_VALUES else (),
        at_least=_at_least(found, counts),
    )


def _times(rows: Interactions, time: Longs) -> Times:
    first, last = int(time.min()), int(time.max())
    order = rows.by_user_and_time
    user, at = rows.user[order], time[order]
    same = np.zeros(len(rows) + 1, bool)  # as the row before
    same[1:-1] = (user[1:] == user[:-1]) & (at[1:] == at[:-1])
    edges = np.linspace(first, last, _BINS + 1)
    bins, _ = np.histogram(time, edges) if last > first else ([len(rows)], None)
    return Times(
        first=written(first),
        last=written(last),
        days=(last - first) / _DAY,
        distinct=_distinct(time.copy()),
        together=float(np.mean(same[1:] | same[:-1])),
        rows_in=tuple((written(int(edge)), int(n)) for edge, n in zip(edges, bins, strict=False)),
        cuts=tuple(cut for share in _HELD_OUT if (cut := _cut(rows, time, share)) is not None),
    )


def _cut(rows: Interactions, time: Longs, share: float) -> Cut | None:
    """Return what a split that holds out about `share` makes cold; None where it leaves nothing."""
    begins = np.quantile(time, 1 - share, method="higher")
    later: Mask = time >= begins
    if later.all():
        return None
    old_items, old_users = (
        np.bincount(codes[~later], minlength=n) > 0
        for codes, n in ((rows.item, len(rows.items)), (rows.user, len(rows.users)))
    )
    items, users = np.unique(rows.item[later]), np.unique(rows.user[later])
    return Cut(
        held_out=float(later.mean()),
        begins=written(int(begins)),
        items=float(np.mean(~old_items[items])),
        rows=float(np.mean(~old_items[rows.item[later]])),
        users=float(np.mean(~old_users[users])),
    )
