"""`cfexp reproduce ml1m`: our side of every published figure (`cfexp.bench.figures`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.analysis.buckets import by_bucket
from cfexp.analysis.groups import by_edges
from cfexp.bench.figures import BUCKETS, FIGURES, FIRST, LISTED, STARTS, bucket, group
from cfexp.data.feedback import Feedback
from cfexp.data.public.movielens import MovieLens
from cfexp.metrics.evaluate import evaluate
from cfexp.models.als import ALS
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.popularity import Popularity
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.spec import StudySpec
from cfexp.splits.per_user_last import PerUserLast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.bench.figures import Figure, Key
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.models.model import MaskName, Model
    from cfexp.search.prepared.prepare import Prepared

TOP = 5
_OF_FIRST = ("coverage@10", "avg_popularity@10")


@dataclass(frozen=True)
class Row:
    """A figure and ours beside it."""

    figure: Figure
    ours: float

    @property
    def difference(self) -> float:
        """Ours less the published."""
        return self.ours - self.figure.published

    @property
    def within(self) -> bool:
        """Whether ours lies within the tolerance; a number that is none does not."""
        return abs(self.difference) <= self.figure.tolerance


def protocol() -> StudySpec:
    """Return the data, the feedback and the split that the figures were published on."""
    return StudySpec(
        name="ml1m published",
        data=MovieLens(edition="ml-1m"),
        feedback=Feedback(positive_from=4.0, values="ones"),
        split=PerUserLast(test=5, validation=1, min_train=5, fit_for_test="train"),
    )


def reproduce(say: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Return every figure with ours beside it; DataError without the data."""
    say("reading and splitting MovieLens-1M")
    ours = measure(prepare(protocol()), say)
    return [Row(figure, ours.get(figure.key, math.nan)) for figure in FIGURES]


def measure(prepared: Prepared, say: Callable[[str], None] = lambda _: None) -> dict[Key, float]:
    """Return our side of every figure."""
    found = _counts(prepared)
    stage = prepared.test
    say("popularity, item-kNN, EASE")
    plain: list[tuple[str, Model, MaskName]] = [
        ("popularity", Popularity(), "interacted"),
        ("item_knn", ItemKNN(neighbours=200), "positives"),
        ("ease", EASE(regularization=300), "interacted"),
    ]
    for system, model, mask in plain:
        scorer = model.fit(stage.training)
        means = evaluate(scorer, stage, _metrics(system), mask=mask).means()
        found |= {(system, metric): means[metric] for metric in _metrics(system)}
    starts = []
    for seed in range(STARTS):
        say(f"als, start {seed + 1} of {STARTS}")
        starts.append(_one_start(prepared, seed))
    for what in starts[0]:
        found["als", what] = float(np.mean([start[what] for start in starts]))
    return found


def _metrics(system: str) -> list[str]:
    """Return the plain metrics that were published of a system over all test users."""
    whats = [figure.what for figure in FIGURES if figure.system == system]
    whole = [what for what in whats if "@" in what and "," not in what]
    return [what for what in whole if what not in _OF_FIRST]


def _one_start(prepared: Prepared, seed: int) -> Mapping[str, float]:
    stage = prepared.test
    model = ALS(factors=64, regularization=0.01, alpha=0.0, epochs=20, momentum=0.0)
    scorer = model.fit(stage.training, rng=seed)
    evaluation = evaluate(scorer, stage, _metrics("als"))
    found = evaluation.means()
    del found["users"]
    for buckets in BUCKETS:
        found |= _by_group(evaluation, buckets)
    first = evaluate(scorer, stage, _OF_FIRST, users=stage.users[:FIRST]).means()
    found["avg_popularity@10"] = first["avg_popularity@10"]
    shown = first["coverage@10"] * np.count_nonzero(stage.candidates)
    return found | {"coverage@10": float(shown / LISTED)}


def _by_group(evaluation: Evaluation, buckets: Buckets) -> dict[str, float]:
    groups = by_bucket(evaluation, buckets)
    return {
        bucket(buckets, one.label): math.nan if one.mean is None else one.mean for one in groups
    }


def _counts(prepared: Prepared) -> dict[Key, float]:
    """Return row counts, users and the most liked movies."""
    stage = prepared.test
    counts: dict[str, float] = {
        "ratings": len(prepared.rows),
        "validation users": len(prepared.validation[0].users),
        "test users": len(stage.users),
    }
    counts |= {f"{part} rows": n for part, n in prepared.split.rows.items()}
    buckets = BUCKETS[1]
    lengths = np.diff(stage.history.indptr)[stage.users]
    groups = by_edges(lengths, buckets.edges or ())
    for place, label in enumerate(groups.labels):
        counts[group(buckets, label)] = int(np.count_nonzero(groups.codes == place))
    found: dict[Key, float] = {("split", what): float(n) for what, n in counts.items()}
    liked = stage.training.item_counts
    for place, item in enumerate(np.argsort(-liked, kind="stable")[:TOP], 1):
        movie = prepared.rows.items.ids[item]
        found["popularity", f"movie at place {place}"] = float(movie)
        found["popularity", f"its positives, place {place}"] = float(liked[item])
    return found
