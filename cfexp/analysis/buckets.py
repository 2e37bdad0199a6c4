"""`Buckets`: a metric for users with short histories, and for those with long ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from cfexp.analysis.intervals import half_width
from cfexp.metrics.metric import PerUserMetricName
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from cfexp.metrics.evaluation import Evaluation


def _increasing(edges: tuple[int, ...]) -> tuple[int, ...]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must increase, not {list(edges)}")
    return edges


Edges = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), AfterValidator(_increasing)
]


class Buckets(Recipe):
    """A metric by groups of users, who are grouped by the length of their history."""

    metric: PerUserMetricName
    """Which metric, as `"recall@10"`."""
    by: Literal["train_interactions", "train_positives"] = "train_positives"
    """What is counted of a user's history: every pair, or the positives alone."""
    edges: Edges = (10, 50)
    """Where a group ends and the next begins: `[10, 50]` makes <10, 10-49 and >=50."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the groups, from the shortest histories to the longest."""
        between = [
            f"{low}" if high == low + 1 else f"{low}-{high - 1}"
            for low, high in pairwise(self.edges)
        ]
        return (f"<{self.edges[0]}", *between, f">={self.edges[-1]}")

    @property
    def title(self) -> str:
        """What the groups show, for people: `recall@10 by train positives`."""
        return f"{self.metric} by {self.by.replace('_', ' ')}"


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


def by_bucket(evaluation: Evaluation, buckets: Buckets) -> list[BucketRow]:
    """Return one row per group, from the shortest histories to the longest.

    Intervals are Student's t over users.

    Raises
    ------
    EvaluationError
        When the evaluation lacks the metric.
    """
    group = np.searchsorted(buckets.edges, evaluation.activity[buckets.by], side="right")
    rows = []
    for code, label in enumerate(buckets.labels):
        inside = np.flatnonzero(group == code)
        mean = evaluation.mean(buckets.metric, inside) if len(inside) else None
        values = evaluation.contributions(buckets.metric, inside) if len(inside) > 1 else None
        half = None if values is None else half_width(values)
        rows.append(
            BucketRow(
                label=label,
                users=len(inside),
                mean=mean,
                low=None if mean is None or half is None else mean - half,
                high=None if mean is None or half is None else mean + half,
            )
        )
    return rows
