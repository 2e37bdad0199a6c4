"""One run: a configuration trained and evaluated, epoch by epoch or once on every stage.

Every run starts cold. What was tried and left out: starting trials from the item factors
of the default configuration, or of a good one (MovieLens-1M, twelve configurations drawn
from the space of studies/ml1m.toml, three seeds, patience 5; cold, default, good). Trials
train 10.9, 9.9 and 7.9 epochs on average, but what they find is the start's as much as
their own (alpha 35: ndcg@10 0.055, 0.057, 0.058; the default's changed the winner), and the
epochs found, 6.0, 4.9 and 2.9, are too few for finals, which must start cold: cold runs of
these lengths reach 0.0628, 0.0617 and 0.0598.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from cfexp.search.store.record import TIED, Point

if TYPE_CHECKING:
    from cfexp.analysis.worst import Goal
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.models.model import Epoch, MaskName, Model
    from cfexp.models.scorer import Scorer
    from cfexp.search.spec.measures import Measures
    from cfexp.splits.stage_data import StageData

Report = Callable[[Point], bool]
"""Takes an evaluated epoch and says whether to go on."""
_MOST = 0.5
"""From this share on, lists of one score are most of them."""


@dataclass(frozen=True)
class Result:
    """What a run found: the metrics of its best epoch (`val/ndcg@10`) and how it got there.

    `facts` are those of its scorers.
    """

    metrics: dict[str, float]
    curve: tuple[Point, ...]
    best_epoch: int
    stopped: bool
    seconds: dict[str, float]
    facts: dict[str, str]


@dataclass(frozen=True)
class Readings:
    """A configuration fitted and read on every stage, for a baseline or a final."""

    metrics: dict[str, float]
    evaluations: dict[str, Evaluation]
    scorer: Scorer
    """Fitted for the test stage."""
    seconds: dict[str, float]
    facts: dict[str, str]


def search_run(
    model: Model,
    stages: Sequence[StageData],
    measures: Measures,
    *,
    mask: MaskName = "interacted",
    seed: int = 0,
    evaluate_every: int = 1,
    patience: int | None = None,
    report: Report = lambda _: True,
    threads: int | None = None,
) -> Result:
    """Train `model` on every stage in step, validate epoch by epoch, keep the best epoch.

    The first goal of `measures` decides which epoch is best; metrics are means over the
    stages. The run ends early when `report` says so, and when the last
    `patience` evaluations did not improve on the best.
    """
    goal = measures.goals[0]
    best, points, stopped = None, [], False
    facts: dict[str, str] = {}
    clock = _Clock()
    evaluated = partial(
        _evaluated, stages=stages, measures=measures, mask=mask, clock=clock, threads=threads
    )
    model.refuse_unfit(*(stage.training for stage in stages), threads=threads)
    streams = [
        model.train(stage.training, np.random.default_rng([seed, index]), threads=threads)
        for index, stage in enumerate(stages)
    ]
    pending: tuple[Epoch, ...] | None = None
    for epochs in zip(*streams, strict=True):
        pending = epochs
        if epochs[0].number % evaluate_every == 0:
            point, facts = evaluated(epochs)
            points.append(point)
            best = _better(best, point, goal)
            pending = None
            if not report(point):
                stopped = point.epoch < getattr(model, "epochs", 1)
                break
            if patience is not None and _since(best, points) >= patience:
                break
    if pending is not None:  # the last epoch is always looked at
        point, facts = evaluated(pending)
        points.append(point)
        best = _better(best, point, goal)
        report(point)
    if best is None:
        raise ValueError(f"{model.kind} yielded no epoch")
    seconds = clock.seconds()
    return Result(validated(best), tuple(points), best.epoch, stopped, seconds, facts)


def read_run(
    model: Model,
    stages: Sequence[StageData],
    measures: Measures,
    *,
    mask: MaskName = "interacted",
    seed: int = 0,
    threads: int | None = None,
) -> Readings:
    """Train `model` to its last epoch and evaluate it on every stage, the last being test.

    Stages that train on the same data share one fit.
    """
    clock = _Clock()
    scorers: dict[int, Scorer] = {}
    evaluations: dict[str, Evaluation] = {}
    for stage in stages:
        if id(stage.training) not in scorers:
            model.refuse_unfit(stage.training, threads=threads)
            rng = np.random.default_rng([seed, 0])
            *_, last = model.train(stage.training, rng, threads=threads)
            scorers[id(stage.training)] = last.scorer()
        clock.fitted()
        scorer = scorers[id(stage.training)]
        evaluations[stage.name] = measures.evaluate(scorer, stage, mask=mask, threads=threads)
        clock.scored()
    means = [measures.means(evaluations[stage.name]) for stage in stages]
    values = _means(means[:-1], "val/") | _means(means[-1:], "test/")
    return Readings(
        values,
        evaluations,
        scorers[id(stages[-1].training)],
        clock.seconds(),
        joined(
            [*(scorer.facts for scorer in scorers.values()), _tied(evaluations[stages[-1].name])]
        ),
    )


def joined(facts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the facts of several fits as one; where they differ, one after the other.

    >>> joined([{"solver_used": "cg, 2 steps"}, {"solver_used": "cg, 3 steps"}])
    {'solver_used': 'cg, 2 steps; cg, 3 steps'}
    """
    known: dict[str, dict[str, None]] = {}
    for one in facts:
        for name, words in one.items():
            known.setdefault(name, {})[words] = None
    return {name: "; ".join(words) for name, words in known.items()}


class _Clock:
    """Shares the time of a run out between fitting and scoring."""

    def __init__(self) -> None:
        self._fit = self._score = 0.0
        self._since = perf_counter()

    def fitted(self) -> None:
        now = perf_counter()
        self._fit, self._since = self._fit + now - self._since, now

    def scored(self) -> None:
        now = perf_counter()
        self._score, self._since = self._score + now - self._since, now

    def seconds(self) -> dict[str, float]:
        return {"fit": self._fit, "score": self._score}


def _evaluated(
    epochs: Sequence[Epoch],
    *,
    stages: Sequence[StageData],
    measures: Measures,
    mask: MaskName,
    clock: _Clock,
    threads: int | None,
) -> tuple[Point, dict[str, str]]:
    """Return the metrics of an epoch, and the facts of its scorers."""
    clock.fitted()
    scorers = [epoch.scorer() for epoch in epochs]
    means = [
        measures.means(measures.evaluate(scorer, stage, mask=mask, threads=threads))
        for scorer, stage in zip(scorers, stages, strict=True)
    ]
    values = _means(means, "val/")
    losses = [loss for epoch in epochs if (loss := epoch.loss()) is not None]
    if losses:
        values["train/loss"] = float(np.mean(losses))
    clock.scored()
    return Point(epochs[0].number, values), joined(scorer.facts for scorer in scorers)


def _means(values: Sequence[dict[str, float]], prefix: str) -> dict[str, float]:
    if not values:
        return {}
    return {f"{prefix}{name}": float(np.mean([one[name] for one in values])) for name in values[0]}


def _tied(evaluation: Evaluation) -> dict[str, str]:
    """Return the fact that most lists are of one score, where it is so."""
    share = evaluation.tied
    return {TIED: f"{share:.0%} on {evaluation.stage}"} if share >= _MOST else {}


def _since(best: Point, points: Sequence[Point]) -> int:
    """Return how many points came after the best one."""
    return sum(point.epoch > best.epoch for point in points)


def best_point(points: Iterable[Point], goal: Goal) -> Point:
    """Return the point that is best for `goal`, of equals the first."""
    best: Point | None = None
    for point in points:
        best = _better(best, point, goal)
    if best is None:
        raise ValueError("there is no point")
    return best


def validated(point: Point) -> dict[str, float]:
    """Return the metrics of a point that a trial keeps: those on validation."""
    return {name: value for name, value in point.metrics.items() if name.startswith("val/")}


def _better(best: Point | None, point: Point, metric: Goal) -> Point:
    if best is None:
        return point
    old, new = best.metrics[f"val/{metric}"], point.metrics[f"val/{metric}"]
    return point if (new > old if metric.direction == "maximize" else new < old) else best
