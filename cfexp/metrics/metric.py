"""`Metric`: a name, a cut-off and a direction, parsed from `"ndcg@10"` or `"auc"`.

`METRICS` lists every metric. To add one, write a function in `accuracy`, `exact` or
`beyond_accuracy`, name it here and describe it in docs/metrics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator

from cfexp.errors import InputError, did_you_mean
from cfexp.metrics import accuracy, beyond_accuracy, exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.metrics.accuracy import Ratio
    from cfexp.metrics.lists import TopLists
    from cfexp.ranking import ExactRanks

Direction: TypeAlias = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class PerUser:
    """A metric of lists with one (numerator, denominator) per user.

    Its value is the mean of their ratios or, when it is pooled, the ratio of their sums.
    `needs_features`: it can be computed where items have features.
    """

    function: Callable[[TopLists], Ratio]
    direction: Direction = "maximize"
    pooled: bool = False
    needs_features: bool = False


@dataclass(frozen=True)
class Ranked:
    """Likewise, of the exact ranks of relevant items and the number of candidates: no cut-off."""

    function: Callable[[ExactRanks, int], Ratio]
    direction: Direction = "maximize"
    pooled: bool = False


@dataclass(frozen=True)
class Catalogue:
    """A metric of all lists together: one number, and none for a single user."""

    function: Callable[[TopLists], float]
    direction: Direction = "maximize"


METRICS: dict[str, PerUser | Ranked | Catalogue] = {
    "recall": PerUser(accuracy.recall),
    "recall_capped": PerUser(accuracy.recall_capped),
    "recall_micro": PerUser(accuracy.recall_micro, pooled=True),
    "precision": PerUser(accuracy.precision),
    "ndcg": PerUser(accuracy.ndcg),
    "map": PerUser(accuracy.average_precision),
    "mrr": PerUser(accuracy.reciprocal_rank),
    "hitrate": PerUser(accuracy.hit_rate),
    "r_precision": Ranked(exact.r_precision),
    "auc": Ranked(exact.auc),
    "epr": Ranked(exact.expected_percentile_rank, "minimize", pooled=True),
    "avg_popularity": PerUser(beyond_accuracy.average_popularity, "minimize"),
    "novelty": PerUser(beyond_accuracy.novelty),
    "diversity": PerUser(beyond_accuracy.diversity),
    "feature_diversity": PerUser(beyond_accuracy.feature_diversity, needs_features=True),
    "serendipity": PerUser(beyond_accuracy.serendipity),
    "coverage": Catalogue(beyond_accuracy.coverage),
    "gini": Catalogue(beyond_accuracy.gini, "minimize"),
}
UNCUT = tuple(name for name, kind in METRICS.items() if isinstance(kind, Ranked))
"""The metrics that take no cut-off."""


def is_metric(text: str) -> bool:
    """Return whether `text` begins with a metric's name, as those of a run's record do."""
    return text.partition("@")[0] in METRICS


_DIGITS = 9  # of a cut-off


@dataclass(frozen=True)
class Metric:
    """A metric over the first `k` places of every list, or of whole rankings (None).

    >>> Metric.parse("ndcg@10")
    Metric(name='ndcg', k=10, direction='maximize')
    >>> str(Metric.parse("recall@20"))
    'recall@20'
    >>> Metric.parse("auc")
    Metric(name='auc', k=None, direction='maximize')
    """

    name: str
    k: int | None
    direction: Direction

    @classmethod
    def parse(cls, text: str | Metric) -> Metric:
        """Return the metric that `text` names (`name@k`, or `name` for one without cut-off).

        A `Metric` is returned as it is.

        Raises
        ------
        InputError
            When the name is unknown, or the cut-off is missing, none to be had, or not a
            whole number from 1.
        """
        if isinstance(text, Metric):
            return text
        name, at, cutoff = text.partition("@")
        if name not in METRICS:
            hint = did_you_mean(name.lower(), METRICS)
            cut = ", ".join(name for name in METRICS if name not in UNCUT)
            raise InputError(
                f"{text!r} names no metric; write one of {cut}, then '@' and a cut-off, such "
                f"as 'ndcg@10', or one of {', '.join(UNCUT)} alone{hint}"
            )
        if name in UNCUT:
            if at:
                raise InputError(f"metric {text!r}: {name} takes no cut-off; write {name!r}")
            return cls(name, None, METRICS[name].direction)
        if not at:
            raise InputError(f"metric {text!r} needs a cut-off, such as '{name}@10'")
        digits = cutoff.lstrip("0") if cutoff.isascii() and cutoff.isdecimal() else ""
        if not 1 <= len(digits) <= _DIGITS:
            raise InputError(
                f"metric {text!r}: the cut-off must be a whole number from 1 to "
                f"{10**_DIGITS - 1:,}, such as '{name}@10'"
            )
        return cls(name, int(cutoff), METRICS[name].direction)

    @property
    def per_user(self) -> bool:
        """Whether the metric has a value for each user (coverage has none)."""
        return not isinstance(METRICS[self.name], Catalogue)

    @property
    def needs_features(self) -> bool:
        """Whether the metric looks at item features."""
        kind = METRICS[self.name]
        return isinstance(kind, PerUser) and kind.needs_features

    def __str__(self) -> str:
        return self.name if self.k is None else f"{self.name}@{self.k}"


def _checked(text: str) -> str:
    try:
        return str(Metric.parse(text))
    except InputError as error:
        raise ValueError(str(error)) from None


def _checked_per_user(text: str) -> str:
    metric = Metric.parse(_checked(text))
    if not metric.per_user:
        choices = ", ".join(n for n, kind in METRICS.items() if not isinstance(kind, Catalogue))
        raise ValueError(f"{text!r} has no value for a single user; choose among {choices}")
    return str(metric)


MetricName = Annotated[str, AfterValidator(_checked)]
"""A field of a study file that names a metric, as `"ndcg@10"`."""
PerUserMetricName = Annotated[str, AfterValidator(_checked_per_user)]
"""Likewise, for what needs a value for every user (buckets, tests)."""
