"""`Measures`: what is measured of a scorer: metrics, classes of items, worst groups."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from cfexp.analysis.buckets import by_bucket, item_classes
from cfexp.analysis.worst import Goal, WorstBucket, goal_of, worst
from cfexp.metrics.classes import relevant_counts
from cfexp.metrics.evaluate import evaluate
from cfexp.metrics.evaluation import Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.data.side_information.attributes import Attributes
    from cfexp.metrics.classes import ItemClasses
    from cfexp.metrics.metric import Metric
    from cfexp.models.model import MaskName
    from cfexp.models.scorer import Scorer
    from cfexp.splits.stage_data import StageData


@dataclass(frozen=True, eq=False)
class Measures:
    """What a study measures; `goals` are its objectives, the first of which decides.

    Groups of users follow from an evaluation; classes of items must be measured with it.
    """

    metrics: tuple[Metric, ...]
    goals: tuple[Goal, ...]
    buckets: tuple[Buckets, ...] = ()
    attributes: Attributes | None = None

    def of_goals(self) -> Measures:
        """Return the measures without the buckets that no objective needs."""
        needed = tuple(goal.among(self.buckets) for goal in self._worst())
        return dataclasses.replace(self, buckets=needed)

    def evaluate(
        self, scorer: Scorer, stage: StageData, *, mask: MaskName, threads: int | None
    ) -> Evaluation:
        """Return what is measured of `scorer` on `stage`."""
        classes = [_classes(bucket, stage) for bucket in self.buckets if bucket.of_items]
        return evaluate(scorer, stage, self.metrics, mask=mask, classes=classes, threads=threads)

    def means(self, evaluation: Evaluation) -> dict[str, float]:
        """Return the means of an evaluation, and the worst groups that are objectives."""
        found = evaluation.means()
        for goal in self._worst():
            buckets = goal.among(self.buckets)
            groups = by_bucket(evaluation, buckets, self.attributes)
            found[str(goal)] = worst(groups, buckets, evaluation.stage)
        return found

    def check(self, stage: StageData) -> None:
        """Raise an InputError for groups that cannot be made on `stage`, before anything runs."""
        blank = _blank(stage, self.buckets)
        for buckets in self.buckets:
            by_bucket(blank, buckets, self.attributes)
        self.means(blank)

    def _worst(self) -> list[WorstBucket]:
        return [goal for goal in self.goals if isinstance(goal, WorstBucket)]


def measures(
    metrics: Sequence[Metric],
    objectives: Sequence[str],
    buckets: Sequence[Buckets],
    attributes: Attributes | None,
) -> Measures:
    """Return what a study with these objectives measures."""
    return Measures(tuple(metrics), tuple(map(goal_of, objectives)), tuple(buckets), attributes)


def _classes(buckets: Buckets, stage: StageData) -> ItemClasses:
    if buckets not in stage.known:
        stage.known[buckets] = item_classes(buckets, stage.training.item_counts)
    return cast("ItemClasses", stage.known[buckets])


def _blank(stage: StageData, buckets: Sequence[Buckets]) -> Evaluation:
    """Return an evaluation in which nothing was found."""
    n = len(stage.users)
    blank = Evaluation(
        stage=stage.name,
        users=stage.users,
        activity=stage.of_users.activity,
    )
    for one in buckets:
        blank.numerators[one.metric] = np.zeros(n)
        blank.denominators[one.metric] = np.ones(n)
        if one.of_items:
            classes = _classes(one, stage)
            counts = relevant_counts(stage.of_users.relevant, classes)
            for name, count in zip(classes.names, counts, strict=True):
                blank.class_numerators[name] = np.zeros(n)
                blank.class_denominators[name] = count.astype(np.float64)
    return blank
