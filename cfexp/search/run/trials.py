"""The trials of a study, as one process works on them: take, ask, hand out, tell, look around.

Others may work on the same study: on each hand-out the storage is looked at for what they
took and ended, so that sampler and pruner know of it, and observers hear of it.
"""

from __future__ import annotations

import time
from math import inf
from statistics import fmean
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from cfexp.search.run.trial import Objective
from cfexp.search.run.trial_job import TrialJob
from cfexp.search.store.mirror import Mirror
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optuna.trial import FrozenTrial

    from cfexp.search.observer import Observer
    from cfexp.search.run.pool import Job, Pool
    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.claims import Claims, Slot
    from cfexp.search.store.store import Store

_LOOK_SECONDS = 1


class Trials:
    """Runs trials that wait; each model is sampled and pruned on its own.

    `known` are the numbers of the trials that the observer has heard of. `check` raises
    when this process may not go on. From `until` (of `time.monotonic`) on, none begins.
    """

    def __init__(
        self,
        spec: StudySpec,
        store: Store,
        claims: Claims,
        observer: Observer,
        *,
        known: Iterable[int],
        check: Callable[[], None],
        until: float = inf,
    ) -> None:
        self._spec = spec
        self._store = store
        self._claims = claims
        self._observer = observer
        self._known = set(known)
        self._check = check
        self._until = until
        self._objective = Objective(spec)
        self._jobs: dict[int, TrialJob] = {}
        self._seen: dict[int, TrialState] = {}
        self._mirrors = {
            entry.label: Mirror(store.stored, spec.search.pruner.pruner()) for entry in spec.models
        }

    def run(self, pool: Pool, *, to_the_end: bool) -> None:
        """Run trials in the workers of `pool` until none waits, or until all have ended."""
        for trial in self._claims.read_all():
            self._learn(trial)
        told = ""
        while True:
            pool.run(lambda: self._next(len(pool)))
            if time.monotonic() >= self._until:
                return
            slots = self._look()
            if any(slot.state is TrialState.WAITING for slot in slots):
                continue  # put back meanwhile
            elsewhere = [slot for slot in slots if slot.state is TrialState.RUNNING]
            if not (to_the_end and elsewhere):
                return
            words = _elsewhere(elsewhere)
            if words != told:
                told = words
                self._observer.note(words)
            time.sleep(_LOOK_SECONDS)

    def seconds(self) -> dict[str, float]:
        """Return what Optuna cost a trial of this process, and what of it workers waited for."""
        jobs = self._jobs.values()
        if not jobs:
            return {}
        return {
            "optuna_per_trial": fmean(job.overhead for job in jobs),
            "optuna_delay_per_trial": fmean(job.delay for job in jobs),
        }

    def _next(self, workers: int) -> Job | None:
        self._check()
        if time.monotonic() >= self._until:
            return None
        slots = self._look()
        others = any(slot.state is TrialState.RUNNING and not self._is_own(slot) for slot in slots)
        for slot in slots:
            if slot.state is not TrialState.WAITING or self._is_own(slot):
                continue
            job = TrialJob(self._objective, self._claims, self._observer, self._until)
            trial = job.take(slot)
            if trial is None:
                continue
            mirror = self._mirrors[trial.user_attrs["entry"]]
            seed = seed_for(self._spec.seed, "sampler", slot.number)
            mirror.study.sampler = self._spec.search.sampler.sampler(
                seed, parallel=workers > 1 or others
            )
            self._jobs[slot.number] = job
            if job.ask(mirror, trial):
                return job
        return None

    def _is_own(self, slot: Slot) -> bool:
        """Return whether this process has run the trial, or does; not if it was lost to another."""
        job = self._jobs.get(slot.number)
        if job is None or job.lost:
            return False
        return not (job.over and slot.state is TrialState.WAITING)

    def _look(self) -> list[Slot]:
        """Return the slots as they stand, having learnt what others did."""
        slots = self._claims.look()
        for slot in slots:
            # what a trial that runs elsewhere tries is written a moment after it was taken
            news = slot.state is TrialState.RUNNING or slot.state is not self._seen.get(slot.number)
            if news and not self._is_own(slot):
                self._learn(self._claims.read(slot))
        return slots

    def _learn(self, trial: FrozenTrial) -> None:
        """Note how a trial stands that is another process's, or an earlier session's."""
        self._seen[trial.number] = trial.state
        if trial.state is TrialState.WAITING:
            return
        self._mirrors[trial.user_attrs["entry"]].learn(trial)
        ended = trial.state.is_finished() and "record" in trial.user_attrs
        if ended and trial.number not in self._known:
            self._known.add(trial.number)
            self._observer.finished(self._store.stored.run(trial.user_attrs["record"]))


def _elsewhere(slots: list[Slot]) -> str:
    hosts = ", ".join(sorted({slot.host for slot in slots if slot.host}))
    count = "1 trial runs" if len(slots) == 1 else f"{len(slots)} trials run"
    return f"waiting: {count} in other processes ({hosts})"
