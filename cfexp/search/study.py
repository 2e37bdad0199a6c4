"""The coordinator of a study: it asks, hands out, tells and remembers; workers compute.

baselines -> trials (ask, train epoch by epoch, report, prune or finish, tell)
-> the best few re-run over seeds -> the winner -> the test set read
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.search.finals import best_final, best_trials
from cfexp.search.jobs import ReadJob, TrialJob
from cfexp.search.pool import Pool
from cfexp.search.record import Reading, Role, RunRecord
from cfexp.search.trial import Objective
from cfexp.seeds import seed_for
from cfexp.splits.split import save_stages

if TYPE_CHECKING:
    from cfexp.models.model import Model
    from cfexp.search.observer import Observer, Phase
    from cfexp.search.pool import Job
    from cfexp.search.prepare import Prepared
    from cfexp.search.spec import Entry, StudySpec
    from cfexp.search.store import Store


def run(
    spec: StudySpec,
    prepared: Prepared,
    *,
    home: Path,
    observer: Observer,
    trials: int | None = None,
    workers: int = 1,
    threads: int = 1,
) -> Store:
    """Run what is missing of a study and return its store.

    The caller holds the study's lock. `trials` raises the file's budget; `threads` are
    each worker's. Whatever is finished is in the store before an observer hears of it.
    """
    with tempfile.TemporaryDirectory(prefix="cfexp-") as stages:
        save_stages(list(prepared.stages.values()), Path(stages))
        setup = {
            "stages": stages,
            "folder": str((home / "studies" / spec.name).resolve()),
            "metrics": [str(metric) for metric in spec.all_metrics],
            "evaluate_every": spec.search.evaluate_every,
            "threads": threads,
        }
        with Pool(workers, setup, observer.note) as pool:
            # Optuna is imported while the workers start.
            from cfexp.search.storage import open_storage
            from cfexp.search.store import Store

            facts = {
                "fingerprint": prepared.split.fingerprint,
                "data": prepared.data_facts(),
                "split": prepared.split_facts(),
            }
            store = Store.create(open_storage(home), spec, home, facts)
            prepared.save_vocabulary(store.folder / "vocabulary.npz")
            budget = store.plan(spec, spec.search.trials if trials is None else trials)
            observer.started(store.record())
            coordinator = _Coordinator(spec, store, pool, observer)
            try:
                coordinator.baselines()
                coordinator.trials(budget, parallel=workers > 1)
                coordinator.finals(budget)
            except KeyboardInterrupt:
                store.release()
                raise
    return store


class _Coordinator:
    def __init__(self, spec: StudySpec, store: Store, pool: Pool, observer: Observer) -> None:
        self.spec = spec
        self.store = store
        self.pool = pool
        self.observer = observer

    def baselines(self) -> None:
        """Fit and read every baseline and every default configuration that is missing."""
        entries: list[tuple[str, Entry]] = [(entry.label, entry) for entry in self.spec.baselines]
        entries += [(f"{entry.label} default", entry) for entry in self.spec.models]
        jobs: list[ReadJob] = []
        for label, entry in entries:
            name = f"{label}/{entry.digest}"
            jobs += self._readings("baseline", entry, entry.model, name=name, label=label)
        self._run("baselines", jobs)

    def trials(self, budget: int, *, parallel: bool) -> None:
        """Run every trial that waits."""
        mirror = self.store.mirror()
        mirror.pruner = self.spec.search.pruner.pruner()
        waiting = [
            trial.number
            for trial in mirror.get_trials(deepcopy=False)
            if trial.state.name == "WAITING"
        ]
        self.observer.phase("trials", budget)
        numbers = iter(waiting)
        jobs: list[TrialJob] = []
        objective = Objective(self.spec)

        def next_job() -> Job | None:
            for number in numbers:
                seed = seed_for(self.spec.seed, "sampler", number)
                mirror.sampler = self.spec.search.sampler.sampler(seed, parallel=parallel)
                job = TrialJob(objective, mirror, self.store, self.observer)
                jobs.append(job)
                if job.ask():
                    return job
            return None

        self.pool.run(next_job)
        if jobs:
            self.store.add_seconds(optuna_per_trial=sum(job.overhead for job in jobs) / len(jobs))

    def finals(self, trials: int) -> None:
        """Run the best configurations again over seeds, name the winner, note the reading."""
        study = self.store.record()
        count = self.spec.finals.configurations
        finalists = best_trials(study, self.spec.objective, count)
        if not finalists:
            return
        generation = len(study.readings) + 1
        entries = {entry.label: entry for entry in self.spec.models}
        jobs: list[ReadJob] = []
        for run in finalists:
            entry = entries[run.entry]
            model = _with_epochs(entry.configured(_fields(run.model)), run.best_epoch)
            jobs += self._readings(
                "final",
                entry,
                model,
                name=str(run.number),
                label=run.label,
                number=run.number,
                generation=generation,
            )
        self._run("finals", jobs)
        numbers = [run.number for run in finalists if run.number is not None]
        winner = best_final(self.store.record(), self.spec.objective, numbers)
        reading = Reading(
            generation=generation,
            trials=trials,
            finalists=(winner, *(number for number in numbers if number != winner)),
            seeds=self.spec.finals.seeds,
            winner=winner,
        )
        last = study.readings[-1] if study.readings else None
        if last is None or (last.trials, last.finalists) != (trials, reading.finalists):
            self.store.add_reading(reading)
        folder = self.store.folder / "model"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(self.store.folder / _scorer_path(winner), folder / "model.npz")

    def _readings(
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
        """Return the jobs of one configuration over seeds that are not in the store yet."""
        seeds = self.spec.finals.seeds if model.stochastic else 1
        stored = {run.key: run for run in self.store.record().runs}
        jobs: list[ReadJob] = []
        for seed in range(1, seeds + 1):
            key = f"{role}/{name}/seed-{seed}"
            record = RunRecord(
                role=role,
                key=key,
                label=label if seeds == 1 else f"{label} seed {seed}",
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
            scorer = _scorer_path(number) if number is not None and seed == 1 else None
            if not self._has(stored.get(key), record, scorer):
                jobs.append(ReadJob(record, scorer, self.store, self.observer))
        return jobs

    def _has(self, stored: RunRecord | None, wanted: RunRecord, scorer: str | None) -> bool:
        files = [f"{wanted.vectors}-val.npz", f"{wanted.vectors}-test.npz"]
        if scorer is not None:
            files.append(scorer)
        return (
            stored is not None
            and stored.state == "complete"
            and (stored.model, stored.mask, stored.seed) == (wanted.model, wanted.mask, wanted.seed)
            and all((self.store.folder / file).exists() for file in files)
        )

    def _run(self, phase: Phase, jobs: list[ReadJob]) -> None:
        if jobs:
            self.observer.phase(phase, len(jobs))
        waiting = iter(jobs)
        self.pool.run(lambda: next(waiting, None))


def _scorer_path(number: int) -> str:
    return f"scorers/trial-{number}.npz"


def _with_epochs(model: Model, epochs: int | None) -> Model:
    return model.model_copy(update={"epochs": epochs}) if hasattr(model, "epochs") else model


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name != "kind"}
