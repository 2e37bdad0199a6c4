"""Several evaluations as one: over seeds, or over the folds of a validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import EvaluationError
from cfexp.metrics.evaluation import Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Doubles


def average(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the mean of several evaluations of the same users, such as one per seed.

    Each user's value of a metric is the mean of the user's values, numerator and
    denominator each for a pooled one; metrics that are not in all of them are left out.

    Raises
    ------
    EvaluationError
        When there are none, or when their stages or users differ.
    """
    if not evaluations:
        raise EvaluationError("there is no evaluation to average")
    first = evaluations[0]
    for other in evaluations[1:]:
        if other.stage != first.stage or not np.array_equal(other.users, first.users):
            raise EvaluationError(
                f"evaluations of different users cannot be averaged: {len(first)} users of "
                f"stage {first.stage!r} and {len(other)} of stage {other.stage!r}"
            )
    metrics = [m for m in first.numerators if all(m in e.numerators for e in evaluations)]
    shared = [m for m in first.catalogue if all(m in e.catalogue for e in evaluations)]
    numerators, denominators = {}, {}
    for m in metrics:
        if m in first.pooled:
            numerators[m] = np.mean([e.numerators[m] for e in evaluations], axis=0)
            denominators[m] = np.mean([e.denominators[m] for e in evaluations], axis=0)
        else:
            numerators[m] = np.mean([e.values(m) for e in evaluations], axis=0)
            denominators[m] = np.ones(len(first))
    classes = [
        name
        for name in first.class_numerators
        if all(name in e.class_numerators for e in evaluations)
    ]
    some = {name: first.class_denominators[name] > 0 for name in classes}
    spread: dict[str, Doubles] = {name: np.zeros(len(first)) for name in classes}
    for name, values in spread.items():
        values[some[name]] = np.mean([e.class_values(name) for e in evaluations], axis=0)
    return Evaluation(
        stage=first.stage,
        users=first.users,
        numerators=numerators,
        denominators=denominators,
        catalogue={m: float(np.mean([e.catalogue[m] for e in evaluations])) for m in shared},
        activity=first.activity,
        pooled=first.pooled.intersection(metrics),
        class_numerators=spread,
        class_denominators={name: some[name].astype(np.float64) for name in classes},
    )


def over_folds(folds: Sequence[Evaluation], stage: str) -> Evaluation:
    """Return one evaluation of everybody evaluated in any of `folds`, the stages of a split.

    A user's value is the mean of those of the folds in which they were evaluated, so that
    the mean over users is the mean over folds wherever folds have the same users. Pooled
    metrics add up instead; metrics that are one number for all lists are averaged over the
    folds. A user's activity is that of the last such fold. Classes of items have the first
    fold's labels; they are left out where folds have not equally many. One fold is returned
    as it is.

    Raises
    ------
    EvaluationError
        When there are none.
    """
    if not folds:
        raise EvaluationError("there is no evaluation to pool")
    if len(folds) == 1:
        return folds[0]
    users = np.unique(np.concatenate([fold.users for fold in folds]))
    first = folds[0]
    # folds name a class by their own counts; they list the same ones in the same order
    whole_classes = {len(fold.class_numerators) for fold in folds} == {len(first.class_numerators)}
    classes = list(first.class_numerators) if whole_classes else []
    whole = Evaluation(
        stage=stage,
        users=users,
        numerators={metric: np.zeros(len(users)) for metric in first.numerators},
        denominators={metric: np.zeros(len(users)) for metric in first.denominators},
        catalogue={m: float(np.mean([f.catalogue[m] for f in folds])) for m in first.catalogue},
        activity={name: np.zeros(len(users), np.int64) for name in first.activity},
        pooled=first.pooled,
        class_numerators={name: np.zeros(len(users)) for name in classes},
        class_denominators={name: np.zeros(len(users)) for name in classes},
    )
    for fold in folds:
        place = np.searchsorted(users, fold.users)
        for name in first.numerators:
            one = name not in first.pooled
            whole.numerators[name][place] += fold.values(name) if one else fold.numerators[name]
            whole.denominators[name][place] += 1.0 if one else fold.denominators[name]
        for name, same in zip(classes, fold.class_numerators, strict=False):
            some = fold.class_denominators[same] > 0
            whole.class_numerators[name][place[some]] += fold.class_values(same)
            whole.class_denominators[name][place[some]] += 1.0
        for name, counts in fold.activity.items():
            whole.activity[name][place] = counts
    return whole
