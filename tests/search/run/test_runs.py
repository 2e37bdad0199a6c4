"""A run looks at every epoch, keeps the best one, and ends when there is no more to gain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.metrics.metric import Metric
from cfexp.models.model import Epoch, Model
from cfexp.models.popularity import Popularity
from cfexp.search.run.runs import Result, search_run
from cfexp.search.spec.measures import Measures
from cfexp.search.store.record import Point
from cfexp.splits.stage_data import StageData

USERS = 40


class Scripted(Model):
    """Hits the relevant item of a given number of users in every epoch."""

    kind: Literal["scripted"] = "scripted"
    stochastic: ClassVar[bool] = False
    hits: tuple[int, ...]
    epochs: int = 8

    def memory(self, data: TrainingData, threads: int) -> int:
        return 0

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        for number, hits in enumerate(self.hits[: self.epochs], start=1):
            scorer: Any = Popularity().fit(data)
            scores = np.zeros((USERS, data.n_items), np.float32)
            scores[:hits, 1] = 1  # the relevant one
            scores[hits:, 2] = 1
            scorer.queries = lambda history: np.arange(history.shape[0])
            scorer.scores = lambda users, scores=scores: scores[users].copy()
            yield Epoch(number, lambda scorer=scorer: scorer, lambda: None)


@pytest.fixture(scope="module")
def stage() -> StageData:
    seen = np.zeros((USERS, 4), np.float32)
    seen[:, 0] = 1
    seen[0] = 1, 0, 1, 1
    seen[1] = 1, 1, 0, 0
    relevant = np.zeros((USERS, 4), np.float32)
    relevant[2:, 1] = 1
    history = Positives.of(sparse.csr_array(seen))
    return StageData(
        "validation",
        TrainingData(history),
        history,
        history.matrix,
        sparse.csr_array(relevant),
        np.ones(4, bool),
    )


def run(stage: StageData, hits: Sequence[int], **settings: Any) -> Result:  # noqa: ANN401
    model = Scripted(hits=tuple(hits), epochs=len(hits))
    metric = (Metric.parse("hitrate@1"),)
    return search_run(model, [stage], Measures(metric, metric), **settings)


def epochs(result: Result) -> list[int]:
    return [point.epoch for point in result.curve]


@pytest.mark.parametrize(
    ("patience", "every", "looked_at", "best"),
    [
        (None, 1, [1, 2, 3, 4, 5, 6, 7, 8], 8),
        (2, 1, [1, 2, 3, 4], 2),
        (3, 1, [1, 2, 3, 4, 5], 2),
        (6, 1, [1, 2, 3, 4, 5, 6, 7, 8], 8),
        (1, 2, [2, 4], 2),
    ],
)
def test_patience(
    stage: StageData, patience: int | None, every: int, looked_at: list[int], best: int
) -> None:
    hits = [10, 20, 15, 20, 19, 21, 15, 30]
    result = run(stage, hits, patience=patience, evaluate_every=every)
    assert epochs(result) == looked_at
    assert result.best_epoch == best
    assert result.metrics["val/hitrate@1"] == pytest.approx(hits[best - 1] / 38)
    assert not result.stopped


def test_a_stop_is_not_patience(stage: StageData) -> None:
    seen: list[Point] = []

    def report(point: Point) -> bool:
        seen.append(point)
        return len(seen) < 2

    result = run(stage, [10, 9, 8, 7], patience=2, report=report)
    assert (epochs(result), result.stopped) == ([1, 2], True)
