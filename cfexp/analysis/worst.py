"""The worst group as an objective: `"recall@10:worst:gender"`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator

from cfexp.errors import EvaluationError, InputError
from cfexp.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.analysis.buckets import Group

_WORST = ":worst:"


@dataclass(frozen=True)
class WorstBucket:
    """The metric of the group that has the worst of it; groups are those of a `[[buckets]]`."""

    metric: Metric
    by: str

    @property
    def direction(self) -> Direction:
        """The metric's own."""
        return self.metric.direction

    def among(self, buckets: Iterable[Buckets]) -> Buckets:
        """Return the one `[[buckets]]` that is meant.

        Raises
        ------
        InputError
            When there is none, or more than one.
        """
        found = [one for one in buckets if (one.metric, one.by) == (str(self.metric), self.by)]
        if len(found) != 1:
            count = "no" if not found else f"{len(found)}"
            raise InputError(
                f"objective {str(self)!r} needs one [[buckets]] with metric = "
                f"{str(self.metric)!r} and by = {self.by!r}; the study has {count}"
            )
        return found[0]

    def __str__(self) -> str:
        return f"{self.metric}{_WORST}{self.by}"


Goal: TypeAlias = Metric | WorstBucket
"""What a search improves: it has a direction, and its text is its name."""


def goal_of(text: str) -> Goal:
    """Return what an objective's text names; InputError where it names nothing.

    >>> goal_of("recall@10:worst:gender").direction
    'maximize'
    """
    name, worst_of, by = text.partition(_WORST)
    if not worst_of:
        if ":" in text:
            raise InputError(
                f"{text!r} is neither a metric such as 'recall@10' nor the worst group of one, "
                "such as 'recall@10:worst:train_positives'"
            )
        return Metric.parse(text)
    metric = Metric.parse(name)
    if not metric.per_user:
        raise InputError(f"{text!r}: {metric} has no value for a single user, so groups have none")
    if not by:
        raise InputError(f"{text!r} does not say of which [[buckets]]; write its `by` at the end")
    return WorstBucket(metric, by)


def measured_by(objective: str) -> str:
    """Return the metric of an objective, as text: a worst group's own, else itself."""
    return objective.partition(_WORST)[0]


def worst(groups: Sequence[Group], buckets: Buckets, stage: str) -> float:
    """Return the worst mean among groups of at least `buckets.minimum` users.

    Raises
    ------
    EvaluationError
        When fewer than two groups are as large: the worst of one is no choice.
    """
    large = [group for group in groups if len(group.per_user) >= buckets.minimum]
    means = [group.mean for group in large if group.mean is not None]
    if len(means) < 2:  # noqa: PLR2004
        sizes = ", ".join(f"{group.label}: {len(group.per_user)}" for group in groups)
        raise EvaluationError(
            f"stage {stage!r}: the worst group of {buckets.title} needs two groups of at least "
            f"minimum = {buckets.minimum} users; users are {sizes}"
        )
    better = Metric.parse(buckets.metric).direction
    return min(means) if better == "maximize" else max(means)


def _checked(text: str) -> str:
    try:
        return str(goal_of(text))
    except InputError as error:
        raise ValueError(str(error)) from None


ObjectiveName = Annotated[str, AfterValidator(_checked)]
"""A field of a study file that names a metric, or the worst group of one."""
