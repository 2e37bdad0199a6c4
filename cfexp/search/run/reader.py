"""`Reader`: configurations fitted and read on test, each of them once."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from cfexp.analysis.buckets import has_buckets
from cfexp.arrays import is_whole
from cfexp.metrics.evaluation import Evaluation
from cfexp.search.run.pool import Job
from cfexp.search.store.record import Role, RunRecord, now_ms, vectors_file
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cfexp.models.model import Model
    from cfexp.search.observer import Observer, Phase
    from cfexp.search.run.pool import Pool
    from cfexp.search.spec.spec import Entry, StudySpec
    from cfexp.search.store.store import Store


def baselines(spec: StudySpec) -> list[tuple[str, Entry]]:
    """Return what every study is compared with: its baselines and its default configurations."""
    named = [(entry.label, entry) for entry in spec.baselines]
    return [*named, *((f"{entry.label} default", entry) for entry in spec.models)]


def repeats(spec: StudySpec, model: Model) -> range:
    """Return the seeds that a model is repeated over."""
    return range(1, 1 + (spec.finals.seeds if model.stochastic else 1))


class ReadJob(Job):
    """A configuration fitted and read on validation and test: a baseline or a final."""

    def __init__(
        self, record: RunRecord, scorer: str | None, store: Store, observer: Observer
    ) -> None:
        self.record = record
        self.label = record.label
        self.scorer = scorer
        self._store = store
        self._observer = observer
        self.task = {
            "do": "read",
            "model": record.model,
            "mask": record.mask,
            "seed": record.seed,
            "vectors": record.vectors,
            "scorer": scorer,
        }

    def claim(self) -> None:
        self._started = now_ms()

    def done(self, answer: dict[str, Any]) -> None:
        self._end(**answer)

    def failed(self, reason: str) -> None:
        self._end(state="failed", reason=reason, vectors=None)

    def keep(self) -> None:
        self._store.add_run(self.record)
        self._observer.finished(self.record)

    def _end(self, **found: Any) -> None:  # noqa: ANN401
        ended = now_ms()
        self.record = dataclasses.replace(self.record, started=self._started, ended=ended, **found)


class Reader:
    """Makes the jobs of baselines and finals, and runs those that the store lacks."""

    def __init__(self, spec: StudySpec, store: Store, pool: Pool, observer: Observer) -> None:
        self.spec = spec
        self.store = store
        self.pool = pool
        self.observer = observer

    def jobs(
        self,
        role: Role,
        entry: Entry,
        model: Model,
        *,
        name: str,
        label: str,
        number: int | None = None,
        generation: int = 0,
    ) -> list[ReadJob]:
        """Return the jobs of one configuration over its seeds."""
        seeds = repeats(self.spec, model)
        jobs: list[ReadJob] = []
        for seed in seeds:
            key = f"{role}/{name}/seed-{seed}"
            record = RunRecord(
                role=role,
                key=key,
                label=label if len(seeds) == 1 else f"{label} seed {seed}",
                entry=entry.label,
                model=model.model_dump(mode="json"),
                mask=entry.mask,
                state="complete",
                best_epoch=getattr(model, "epochs", None),
                seed=seed_for(self.spec.seed, "final", seed),
                number=number,
                generation=generation,
                vectors=f"vectors/{key.replace('/', '-')}",
            )
            scorer = scorer_path(number) if number is not None and seed == 1 else None
            jobs.append(ReadJob(record, scorer, self.store, self.observer))
        return jobs

    def run(self, phase: Phase, jobs: Iterable[ReadJob]) -> None:
        """Run those jobs whose results are not in the store yet.

        The same fit under another key, such as a baseline's that is now a finalist, is
        not made again: its record is the job's as well.
        """
        stored = {run.key: run for run in self.store.record().runs}
        todo: list[ReadJob] = []
        had: list[tuple[RunRecord, RunRecord]] = []
        for job in jobs:
            key = job.record.key
            known = [stored[key]] if key in stored else []
            found = next((run for run in [*known, *stored.values()] if self._is(run, job)), None)
            if found is None:
                todo.append(job)
            elif found.key != key:
                had.append((found, job.record))
        if todo or had:
            self.observer.phase(phase, len(todo) + len(had))
        for run, wanted in had:
            self._adopt(run, wanted)
        waiting = iter(todo)
        self.pool.run(lambda: next(waiting, None))

    def _is(self, run: RunRecord, job: ReadJob) -> bool:
        """Return whether a run of the store is the job's fit, with all that is wanted of it."""
        wanted = job.record
        same = (run.model, run.mask, run.seed) == (wanted.model, wanted.mask, wanted.seed)
        measured = all(f"test/{metric}" in run.metrics for metric in self.spec.all_metrics)
        if run.state != "complete" or not (same and measured):
            return False
        files = [vectors_file(run.vectors, stage) for stage in run.stages]
        if job.scorer is not None:
            files.append(job.scorer)
        if not all(is_whole(self.store.folder / file) for file in files):
            return False
        of_items = [buckets for buckets in self.spec.buckets if buckets.of_items]
        if not of_items:
            return True
        # of the folds of a validation, classes that are not equally many are not kept
        test = Evaluation.load(self.store.folder / vectors_file(run.vectors, "test"))
        return all(has_buckets(test, buckets) for buckets in of_items)

    def _adopt(self, run: RunRecord, wanted: RunRecord) -> None:
        names = ("role", "key", "label", "entry", "number", "generation")
        own = {name: getattr(wanted, name) for name in names}
        record = dataclasses.replace(run, **own)
        self.store.add_run(record)
        self.observer.finished(record)


def scorer_path(number: int) -> str:
    """Return where a finalist's first seed is kept, relative to the study's folder."""
    return f"scorers/trial-{number}.npz"
