"""`Buckets`: a metric for users with short histories and with long ones, for hits and the tail."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field, model_validator

from cfexp.metrics.metric import Metric, PerUserMetricName
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIVITY = ("train_interactions", "train_positives")
POPULARITY = "item_popularity"
_OF_ITEMS = ("recall", "recall_capped", "precision", "ndcg", "map", "mrr", "hitrate")
"""Metrics of relevant items, so that they can be taken of some of them."""

Number: TypeAlias = int | float
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]


class Buckets(Recipe):
    """A metric by groups of users, or by classes of the items that are to be found.

    Users are grouped by the length of their history, or by a column of what is known of
    them; items by how often they occur among the positives that a model learns from.
    """

    metric: PerUserMetricName
    """Which metric, as `"recall@10"`."""
    by: Annotated[str, Field(min_length=1)] = "train_positives"
    """`"train_positives"` or `"train_interactions"` (how many a user's history has),
    `"item_popularity"` (a user's value then counts the relevant items of a class alone; users
    without any are left out), or the name of a user attribute."""
    edges: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    """Where a group ends and the next begins: `[10, 50]` makes <10, 10-49 and >=50, the default
    for counts of a user; for counts and numeric attributes. Of item_popularity, `[1, 50]` tells
    new items, which no positive that a model learns from has, from rare and from popular ones."""
    quantiles: Annotated[int, Field(ge=2, le=100)] | None = None
    """This many groups of about equal size in place of edges; ties stay together."""
    shares: Annotated[tuple[Share, ...], Field(min_length=1)] | None = None
    """For item_popularity: `[0.2, 0.8]`, the default, makes a head of the most popular items that
    hold the first 20% of the positives, a middle to 80%, and a tail. Ties stay together."""
    values: Annotated[tuple[Number | str, ...], Field(min_length=1)] | None = None
    """For attributes: the values that are a group each; all others are one, `other`."""
    minimum: Annotated[int, Field(ge=1)] = 30
    """Groups of fewer users are never the worst one, where that is an objective."""

    @model_validator(mode="after")
    def _that_fit(self) -> Buckets:
        given = {name for name in ("edges", "quantiles", "shares", "values") if self._has(name)}
        allowed = {"edges", "quantiles", "values"}
        if self.by in ACTIVITY:
            allowed = {"edges", "quantiles"}
        if self.of_items:
            allowed = {"edges", "quantiles", "shares"}
            if Metric.parse(self.metric).name not in _OF_ITEMS:
                raise ValueError(
                    f"{self.metric} does not count relevant items, so it has no value for "
                    f"some of them; by = {POPULARITY!r} takes {', '.join(_OF_ITEMS)}"
                )
        if wrong := sorted(given - allowed):
            choices = " or ".join(sorted(allowed))
            raise ValueError(f"by = {self.by!r} takes {choices}, not {wrong[0]}")
        if len(given) > 1:
            raise ValueError(f"one way of grouping is enough, not {' and '.join(sorted(given))}")
        for name in ("edges", "shares"):
            numbers = getattr(self, name) or ()
            if any(low >= high for low, high in pairwise(numbers)):
                raise ValueError(f"{name} must increase, not {list(numbers)}")
        if self.attribute is None and any(x < 1 or x != int(x) for x in self.edges or ()):
            raise ValueError(
                f"edges of counts must be whole numbers from 1, not {list(self.edges or ())}"
            )
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    @property
    def of_items(self) -> bool:
        """Whether items are grouped, not users."""
        return self.by == POPULARITY

    @property
    def attribute(self) -> str | None:
        """The user attribute that users are grouped by, if it is one."""
        return None if self.of_items or self.by in ACTIVITY else self.by

    @property
    def partition(self) -> str:
        """What tells one partition of the items from another."""
        if self.quantiles:
            return f"quantiles {self.quantiles}"
        if self.edges:
            return "edges " + ",".join(map(repr, self.edges))
        return "shares " + ",".join(map(repr, self.shares or DEFAULT_SHARES))

    @property
    def title(self) -> str:
        """What the groups show, for people: `recall@10 by train positives`."""
        return f"{self.metric} by {self.by.replace('_', ' ')}"

    @property
    def axis(self) -> str:
        """What tells the groups apart, for people."""
        if self.of_items:
            return "popularity of the relevant items, in positives in train"
        if self.attribute:
            return f"{self.attribute} of a user"
        return f"{self.by.removeprefix('train_')} of a user in train"


def attributes_of(buckets: Iterable[Buckets]) -> list[str]:
    """Return the user attributes that users are grouped by, each once."""
    return list(dict.fromkeys(one.attribute for one in buckets if one.attribute))


DEFAULT_EDGES = (10, 50)
DEFAULT_SHARES = (0.2, 0.8)
