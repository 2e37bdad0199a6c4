"""`ItemClasses`: a metric for relevant items of one class at a time, such as the tail."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.metrics.metric import METRICS, Metric, PerUser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import Doubles, Longs, Matrix
    from cfexp.metrics.lists import TopLists


@dataclass(frozen=True, eq=False)
class ItemClasses:
    """A partition of the items, and the metric to take of each class.

    `codes` holds one class per item, a position in `labels`; `key` tells one partition
    from another. The metric counts what is relevant and of the class: its hits, and
    the number of relevant items.
    """

    metric: Metric
    key: str
    labels: tuple[str, ...]
    codes: Longs

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each class's values in an `Evaluation`: `metric/key/label`."""
        return tuple(f"{self.metric}/{self.key}/{label}" for label in self.labels)


def class_ratios(
    lists: TopLists, relevant: Matrix, classes: ItemClasses
) -> Iterator[tuple[str, Doubles, Doubles]]:
    """Yield every class's name, numerators and denominators, one number per user.

    Both are 0 for a user without a relevant item of the class. `lists` must be as deep
    as the metric; `relevant` has the lists' users as rows.
    """
    kind, k = METRICS[classes.metric.name], classes.metric.k
    if not isinstance(kind, PerUser) or k is None:
        raise TypeError(f"{classes.metric} is not computed from each user's list, class by class")
    if k > lists.k:
        raise ValueError(f"{classes.metric} needs lists of {k} items, these have {lists.k}")
    cut = lists.cut(k)
    of_list = np.where(cut.items < 0, -1, classes.codes[cut.items])
    for code, (name, count) in enumerate(
        zip(classes.names, relevant_counts(relevant, classes), strict=True)
    ):
        some = count > 0
        numerator, denominator = kind.function(
            dataclasses.replace(
                cut, hits=cut.hits & (of_list == code), n_relevant=np.maximum(count, 1)
            )
        )
        yield name, np.where(some, numerator, 0.0), np.where(some, denominator, 0.0)


def relevant_counts(relevant: Matrix, classes: ItemClasses) -> Longs:
    """Return how many relevant items of each class users have: classes x users."""
    rows = np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))
    counts = np.zeros((len(classes.labels), relevant.shape[0]), np.int64)
    np.add.at(counts, (classes.codes[relevant.indices], rows), 1)
    return counts
