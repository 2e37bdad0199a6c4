"""The groups of `Buckets`: who is inside, how many users, their mean, its interval."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis import groups
from cfexp.analysis.bucket_recipe import (
    ACTIVITY,
    DEFAULT_EDGES,
    DEFAULT_SHARES,
    POPULARITY,
    Buckets,
)
from cfexp.analysis.intervals import Interval, bootstrap
from cfexp.data.side_information.attributes import Attributes
from cfexp.errors import EvaluationError, did_you_mean
from cfexp.metrics.classes import ItemClasses
from cfexp.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfexp.arrays import Doubles, Longs
    from cfexp.metrics.evaluation import Evaluation


_RESAMPLES = 2_000
"""Of every group's users: groups are many, and their intervals wide."""


@dataclass(frozen=True, eq=False)
class Group:
    """One group and its users' values, of which there may be none."""

    label: str
    per_user: Doubles

    @property
    def mean(self) -> float | None:
        """The mean over the users, None where there is none."""
        return float(self.per_user.mean()) if len(self.per_user) else None


@dataclass(frozen=True)
class BucketRow:
    """One group: how many users, their mean, and the 95% interval of that mean.

    The mean of no user and the interval of fewer than two are None.
    """

    label: str
    users: int
    mean: float | None
    low: float | None
    high: float | None


def by_bucket(
    evaluation: Evaluation, buckets: Buckets, attributes: Attributes | None = None
) -> list[Group]:
    """Return the groups: low counts first, popular items first, `unknown` last.

    A user without a relevant item of a class is none of its users.

    Raises
    ------
    EvaluationError
        When the evaluation lacks the metric or the classes of items, or users have no
        such attribute.
    """
    if buckets.of_items:
        names = _class_names(evaluation, buckets)
        if not names:
            raise EvaluationError(
                f"stage {evaluation.stage!r} has no values of {buckets.metric} by item popularity; "
                "evaluate with classes = [item_classes(...)]"
            )
        return [Group(name.rpartition("/")[2], evaluation.class_values(name)) for name in names]
    found = user_groups(evaluation, buckets, attributes)
    inside = [np.flatnonzero(found.codes == code) for code in range(len(found.labels))]
    return [
        Group(label, evaluation.contributions(buckets.metric, rows) if len(rows) else np.zeros(0))
        for label, rows in zip(found.labels, inside, strict=True)
    ]


def bucket_rows(
    evaluations: Sequence[Evaluation], buckets: Buckets, attributes: Attributes | None = None
) -> list[tuple[BucketRow, ...]]:
    """Return the rows of every evaluation, in the order of `by_bucket`.

    Intervals are those of `bootstrap` over a group's users. Groups of as many users, one
    of each evaluation, share their resamples.
    """
    found = [by_bucket(evaluation, buckets, attributes) for evaluation in evaluations]
    sizes: dict[int, list[Group]] = {}
    for group in chain.from_iterable(found):
        sizes.setdefault(len(group.per_user), []).append(group)
    intervals: dict[int, Interval] = {}
    for size, same in sizes.items():
        if size > 1:
            columns = np.stack([group.per_user for group in same], axis=1)
            around = bootstrap(columns, resamples=_RESAMPLES)
            intervals |= {id(group): one for group, one in zip(same, around, strict=True)}
    return [tuple(_row(group, intervals.get(id(group))) for group in own) for own in found]


def has_buckets(
    evaluation: Evaluation, buckets: Buckets, attributes: Attributes | None = None
) -> bool:
    """Return whether `by_bucket` has what it needs."""
    if buckets.of_items:
        return bool(_class_names(evaluation, buckets))
    known = attributes.columns if attributes else {}
    return buckets.metric in evaluation.numerators and (
        buckets.attribute is None or buckets.attribute in known
    )


def user_groups(
    evaluation: Evaluation, buckets: Buckets, attributes: Attributes | None = None
) -> groups.Groups:
    """Return the groups of an evaluation's users; EvaluationError where there is no such column."""
    name = buckets.attribute
    if name is None:
        values = evaluation.activity[buckets.by].astype(np.float64)
    else:
        column = (attributes or Attributes()).columns
        if name not in column:
            raise EvaluationError(_no_column(name, column))
        values = column[name]
        if buckets.values:
            groups.refuse_absent(values, buckets.values, name)
        values = values[evaluation.users]
        if not (buckets.edges or buckets.quantiles):
            return groups.by_value(values, buckets.values, name)
        if values.dtype.kind != "f":
            way = "edges" if buckets.edges else "quantiles"
            raise EvaluationError(
                f"[[buckets]] by = {name!r}: {way} need numbers, and the column holds text; "
                "left out, every value is a group"
            )
    if buckets.quantiles:
        return groups.by_quantiles(values, buckets.quantiles)
    return groups.by_edges(values, buckets.edges or DEFAULT_EDGES)


def item_classes(buckets: Buckets, positives: Longs) -> ItemClasses:
    """Return the classes of items by popularity, the most popular first.

    `positives` are how many training positives each item has. With `shares`, an item is
    in the head when the items more popular than it hold less than the first share of all
    positives, in the next class when they hold less than the second, and so on; with
    `quantiles`, classes hold about equally many items; `edges` are numbers of positives. Items
    of equal popularity are in one class. Labels tell the fewest and the most positives of a
    class's items.
    """
    if buckets.quantiles or buckets.edges:
        found = (
            groups.by_quantiles(positives.astype(np.float64), buckets.quantiles)
            if buckets.quantiles
            else groups.by_edges(positives, buckets.edges or ())
        )
        codes, labels = len(found.labels) - 1 - found.codes, found.labels[::-1]
    else:
        shares = buckets.shares or DEFAULT_SHARES
        distinct, place, count = np.unique(-positives, return_inverse=True, return_counts=True)
        held = -distinct * count
        before = (np.cumsum(held) - held) / max(int(held.sum()), 1)
        codes = np.searchsorted(shares, before, side="right")[place]
        names = _class_labels(len(shares) + 1)
        labels = tuple(f"{name} ({_span(positives[codes == i])})" for i, name in enumerate(names))
    return ItemClasses(Metric.parse(buckets.metric), buckets.partition, labels, codes)


def _class_names(evaluation: Evaluation, buckets: Buckets) -> list[str]:
    prefix = f"{buckets.metric}/{buckets.partition}/"
    return [name for name in evaluation.class_numerators if name.startswith(prefix)]


def _row(group: Group, around: Interval | None) -> BucketRow:
    return BucketRow(
        label=group.label,
        users=len(group.per_user),
        mean=group.mean,
        low=None if around is None else around.low,
        high=None if around is None else around.high,
    )


def _class_labels(n: int) -> tuple[str, ...]:
    if n == 2:  # noqa: PLR2004
        return ("head", "tail")
    return ("head", *(["middle"] if n == 3 else [f"middle {i}" for i in range(1, n - 1)]), "tail")  # noqa: PLR2004


def _span(positives: Longs) -> str:
    if len(positives) == 0:
        return "no items"
    return groups.span(float(positives.min()), float(positives.max()), whole=True)


def _no_column(name: str, known: Iterable[str]) -> str:
    known = list(known)
    choices = [*ACTIVITY, POPULARITY, *known]
    hint = did_you_mean(name, choices) or (
        "" if known else "; a csv or parquet source reads attributes with users = { path, id }"
    )
    return (
        f"[[buckets]] by = {name!r}: users have no such attribute; the choices are "
        f"{', '.join(choices)}{hint}"
    )
