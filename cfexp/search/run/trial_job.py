"""`TrialJob`: one trial, from its parameters to its record."""

from __future__ import annotations

import dataclasses
import time
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cfexp.search.run.pool import Job
from cfexp.search.run.runs import best_point, validated
from cfexp.search.store.claims import STATES
from cfexp.search.store.record import TIMEOUT, Point, RunRecord, now_ms
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna.trial import FrozenTrial

    from cfexp.search.observer import Observer
    from cfexp.search.run.trial import Objective
    from cfexp.search.store.claims import Claims, Slot
    from cfexp.search.store.mirror import Mirror


class TrialJob(Job):
    """One trial: its parameters asked and written, its epochs reported, its record kept.

    `overhead` is the seconds that Optuna took of it: ask, report, tell, storage; the
    worker waited for `delay` of them.

    A trial that is run again, after the death of its process, gets the answers it had. One
    that takes longer than the study's `trial_timeout` ends with its best epoch so far; one
    that still runs at `until` (of `time.monotonic`) goes back to waiting, as if it had
    never begun.
    """

    def __init__(
        self, objective: Objective, claims: Claims, observer: Observer, until: float = inf
    ) -> None:
        self.overhead = self.delay = 0.0
        self.lost = False
        """Whether another process has taken the trial over."""
        self.over = False
        """Whether how it ended is written."""
        self._until = until
        self._answers: dict[int, bool] = {}
        self._points: list[Point] = []
        self._waits = False
        self._objective = objective
        self._spec = objective.spec
        self._claims = claims
        self._observer = observer

    def take(self, slot: Slot) -> FrozenTrial | None:
        """Take a waiting slot; None when another process was quicker."""
        self._started = now_ms()
        with self._delaying():
            return self._claims.take(slot)

    def ask(self, mirror: Mirror, trial: FrozenTrial) -> bool:
        """Ask for the configuration; False when it is impossible, and recorded so."""
        number = trial.number
        with self._delaying():
            self._mirror = mirror.study
            self._trial = mirror.ask(trial)
            self._entry, values = self._objective.propose(self._trial)
        self._record = RunRecord(
            role="trial",
            key=f"trial/{number}",
            label=f"{_configuration(self._entry.label, values)} #{number}",
            entry=self._entry.label,
            model={**self._entry.model.model_dump(mode="json"), **values},
            mask=self._entry.mask,
            state="complete",
            seed=seed_for(self._spec.seed, "trial", number),
            number=number,
            worker=self._claims.worker,
        )
        self.label = self._record.label
        try:
            self._entry.configured(values)
        except ValidationError as error:
            self.claim()
            self.failed(error.errors()[0]["msg"])
            self.keep()
            return False
        self.task = {
            "do": "trial",
            "model": self._record.model,
            "mask": self._record.mask,
            "seed": self._record.seed,
        }
        return True

    def claim(self) -> None:
        with self._timed():
            self._claims.set_params(self._record.trial, self._in_memory)

    @property
    def _in_memory(self) -> FrozenTrial:
        return self._mirror.get_trials(deepcopy=False)[self._trial.number]

    def begin(self) -> None:
        self._points.clear()
        limit = self._spec.search.trial_timeout or inf
        self.deadline = min(time.monotonic() + limit, self._until)

    def point(self, point: Point) -> bool:
        self._observer.point(self._record.key, point)
        self._points.append(point)
        if point.epoch not in self._answers:
            self._answers[point.epoch] = self._goes_on(point)
        return self._answers[point.epoch] and time.monotonic() < self.deadline

    def _goes_on(self, point: Point) -> bool:
        if len(self._spec.objectives) > 1:
            return True
        with self._delaying():
            self._trial.report(point.metrics[f"val/{self._spec.objectives[0]}"], point.epoch)
            return not self._trial.should_prune()

    @property
    def _is_pruned(self) -> bool:
        return not all(self._answers.values())

    def done(self, answer: dict[str, Any]) -> None:
        facts = answer["facts"]
        if answer["stopped"] and not self._is_pruned:  # the time was over
            if self.deadline == self._until:
                self._waits = True
                return
            facts |= self._timeout()
        self._end(
            state="pruned" if answer["stopped"] and self._is_pruned else "complete",
            metrics=answer["metrics"],
            curve=tuple(Point(**point) for point in answer["curve"]),
            best_epoch=answer["best_epoch"],
            seconds=answer["seconds"],
            facts=facts,
            peak_memory=answer["peak_memory"],
        )

    def late(self) -> None:
        if self.deadline == self._until:
            self._waits = True
            return
        if not self._points:
            self.failed(f"{TIMEOUT} after {self._limit}, before its first epoch was evaluated")
            return
        best = best_point(self._points, self._spec.objective)
        self._end(
            state="pruned" if self._is_pruned else "complete",
            metrics=validated(best),
            curve=tuple(self._points),
            best_epoch=best.epoch,
            facts=self._timeout(),
        )

    @property
    def _limit(self) -> str:
        return f"{self._spec.search.trial_timeout:g} s"

    def _timeout(self) -> dict[str, str]:
        return {TIMEOUT: f"{self._limit}, after epoch {self._points[-1].epoch}"}

    def failed(self, reason: str) -> None:
        self._end(state="failed", reason=reason)

    def keep(self) -> None:
        self.over = True
        if self._waits:
            self._claims.put_back(self._record.trial)
            return
        with self._timed():
            self.lost = not self._claims.end(self._record, self._in_memory.system_attrs)
        if self.lost:
            self._observer.note(
                f"{self._record.label}: this process was not heard of for too long, so that "
                "another one runs the trial again; only its result counts"
            )
        else:
            self._observer.finished(self._record)

    def _end(self, **found: Any) -> None:  # noqa: ANN401
        record = dataclasses.replace(self._record, started=self._started, ended=now_ms(), **found)
        self._record = record
        with self._delaying():
            if record.state == "complete":
                values = [record.metrics[f"val/{name}"] for name in self._spec.objectives]
                self._mirror.tell(self._trial, values)
            else:
                self._mirror.tell(self._trial, state=STATES[record.state])

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.overhead += time.perf_counter() - began

    @contextmanager
    def _delaying(self) -> Iterator[None]:
        before = self.overhead
        with self._timed():
            yield
        self.delay += self.overhead - before


def _configuration(label: str, values: dict[str, Any]) -> str:
    """Return a short name such as `als f=64 a=1.2`: each field by its shortest own prefix."""
    words = []
    for name, value in values.items():
        others = [other for other in values if other != name]
        length = 1
        while length < len(name) and any(other.startswith(name[:length]) for other in others):
            length += 1
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        words.append(f"{name[:length]}={shown}")
    return " ".join([label, *words])
