"""`Metric`: a name, a cut-off and a direction, parsed from `"ndcg@10"`.

`METRICS` lists every metric. To add one, write a function in `accuracy` or
`beyond_accuracy` and name it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator

from cfexp.errors import InputError, did_you_mean
from cfexp.metrics import accuracy, beyond_accuracy

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.metrics.accuracy import Ratio
    from cfexp.metrics.lists import TopLists

Direction: TypeAlias = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class PerUser:
    """A metric with one (numerator, denominator) per user; its value is their mean ratio."""

    function: Callable[[TopLists], Ratio]
    direction: Direction = "maximize"


@dataclass(frozen=True)
class Catalogue:
    """A metric of all lists together: one number, and none for a single user."""

    function: Callable[[TopLists], float]
    direction: Direction = "maximize"


METRICS: dict[str, PerUser | Catalogue] = {
    "recall": PerUser(accuracy.recall),
    "recall_capped": PerUser(accuracy.recall_capped),
    "precision": PerUser(accuracy.precision),
    "ndcg": PerUser(accuracy.ndcg),
    "map": PerUser(accuracy.average_precision),
    "mrr": PerUser(accuracy.reciprocal_rank),
    "hitrate": PerUser(accuracy.hit_rate),
    "avg_popularity": PerUser(beyond_accuracy.average_popularity, "minimize"),
    "coverage": Catalogue(beyond_accuracy.coverage),
}


@dataclass(frozen=True)
class Metric:
    """A metric over the first `k` places of every list.

    >>> Metric.parse("ndcg@10")
    Metric(name='ndcg', k=10, direction='maximize')
    >>> str(Metric.parse("recall@20"))
    'recall@20'
    """

    name: str
    k: int
    direction: Direction

    @classmethod
    def parse(cls, text: str | Metric) -> Metric:
        """Return the metric that `text` names (`name@k`), or `text` itself if it is one.

        Raises
        ------
        InputError
            When the name is unknown or the cut-off is not a whole number from 1.
        """
        if isinstance(text, Metric):
            return text
        name, at, cutoff = text.partition("@")
        if name not in METRICS:
            hint = did_you_mean(name.lower(), METRICS)
            raise InputError(
                f"{text!r} names no metric; write one of {', '.join(METRICS)}, "
                f"then '@' and a cut-off, such as 'ndcg@10'{hint}"
            )
        if not at:
            raise InputError(f"metric {text!r} needs a cut-off, such as '{name}@10'")
        if not (cutoff.isascii() and cutoff.isdecimal() and cutoff.lstrip("0")):
            raise InputError(
                f"metric {text!r}: the cut-off must be a whole number from 1, such as '{name}@10'"
            )
        return cls(name, int(cutoff), METRICS[name].direction)

    @property
    def per_user(self) -> bool:
        """Whether the metric has a value for each user (coverage has none)."""
        return isinstance(METRICS[self.name], PerUser)

    def __str__(self) -> str:
        return f"{self.name}@{self.k}"


def _checked(text: str) -> str:
    try:
        return str(Metric.parse(text))
    except InputError as error:
        raise ValueError(str(error)) from None


def _checked_per_user(text: str) -> str:
    metric = Metric.parse(_checked(text))
    if not metric.per_user:
        choices = ", ".join(name for name, kind in METRICS.items() if isinstance(kind, PerUser))
        raise ValueError(f"{text!r} has no value for a single user; choose among {choices}")
    return str(metric)


MetricName = Annotated[str, AfterValidator(_checked)]
"""A field of a study file that names a metric, as `"ndcg@10"`."""
PerUserMetricName = Annotated[str, AfterValidator(_checked_per_user)]
"""Likewise, for what needs a value for every user (buckets, tests)."""
