"""The coordinator of a study: it asks, hands out, tells and remembers; workers compute.

baselines -> trials (ask, train epoch by epoch, report, prune or finish, tell)
-> the best few re-run over seeds -> the winner -> the test set read
"""

from __future__ import annotations

import dataclasses
import shutil
from statistics import fmean
from typing import TYPE_CHECKING, Any

from cfexp.provenance import provenance
from cfexp.search.finals import best_final, best_trials
from cfexp.search.jobs import TrialJob
from cfexp.search.reader import Reader, scorer_path
from cfexp.search.record import Reading
from cfexp.search.trial import Objective
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.models.model import Model
    from cfexp.search.jobs import ReadJob
    from cfexp.search.observer import Observer
    from cfexp.search.pool import Job, Pool
    from cfexp.search.spec import Entry, StudySpec
    from cfexp.search.store import Store


def run(
    spec: StudySpec,
    facts: dict[str, Any],
    pool: Pool,
    *,
    stages: Path,
    home: Path,
    observer: Observer,
    trials: int | None = None,
    threads: int = 1,
) -> Store:
    """Run what is missing of a study in the workers of `pool` and return its store.

    The caller holds the study's lock, and has the data that `facts` tell of in the folder
    `stages`, where `cfexp.search.kept` lays them. `trials` raises the file's budget; `threads` are
    each worker's. Whatever is finished is in the store before an observer hears of it.
    """
    folder = (home / "studies" / spec.name).resolve()
    for partial in folder.rglob(".*.partial"):  # left by a session that was killed
        partial.unlink(missing_ok=True)
    pool.set_up(
        stages=str(stages),
        folder=str(folder),
        metrics=[str(metric) for metric in spec.all_metrics],
        objectives=list(spec.objectives),
        buckets=[buckets.model_dump(mode="json") for buckets in spec.buckets],
        feedback=spec.feedback.model_dump(mode="json"),
        evaluate_every=spec.search.evaluate_every,
        patience=spec.search.idle_points,
        threads=threads,
    )
    # Optuna is imported while the workers start.
    from cfexp.search.storage import open_storage
    from cfexp.search.store import Store

    store = Store.create(open_storage(home), spec, home, facts)
    for name in ("vocabulary.npz", "users.npz"):
        shutil.copyfile(stages / name, store.folder / f".{name}.partial")
        (store.folder / f".{name}.partial").replace(store.folder / name)
    wanted = spec.search.trials if trials is None else trials
    budget = store.plan(spec, wanted)
    if trials is not None and budget > trials:
        observer.note(f"the study has {budget} trials already; a budget is never lowered")
    store.add_environment(provenance() | {"threads": f"{threads}", "workers": f"{len(pool)}"})
    observer.started(store.record())
    try:
        _Coordinator(spec, store, pool, observer).run(budget)
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
        self.reader = Reader(spec, store, pool, observer)

    def run(self, budget: int) -> None:
        """Run all that is missing."""
        self.baselines()
        self.trials(budget)
        self.finals(budget)

    def baselines(self) -> None:
        """Fit and read every baseline and every default configuration that is missing."""
        entries: list[tuple[str, Entry]] = [(entry.label, entry) for entry in self.spec.baselines]
        entries += [(f"{entry.label} default", entry) for entry in self.spec.models]
        jobs: list[ReadJob] = []
        for label, entry in entries:
            name = f"{label}/{entry.digest}"
            jobs += self.reader.jobs("baseline", entry, entry.model, name=name, label=label)
        self.reader.run("baselines", jobs)

    def trials(self, budget: int) -> None:
        """Run every trial that waits; each model is sampled and pruned on its own."""
        mirrors = {entry.label: self.store.mirror(entry.label) for entry in self.spec.models}
        for mirror in mirrors.values():
            mirror.pruner = self.spec.search.pruner.pruner()
        waiting = sorted(
            (trial.user_attrs["slot"], label)
            for label, mirror in mirrors.items()
            for trial in mirror.get_trials(deepcopy=False)
            if trial.state.name == "WAITING"
        )
        self.observer.phase("trials", budget)
        slots = iter(waiting)
        jobs: list[TrialJob] = []
        objective = Objective(self.spec)

        def next_job() -> Job | None:
            for number, label in slots:
                seed = seed_for(self.spec.seed, "sampler", number)
                mirror = mirrors[label]
                mirror.sampler = self.spec.search.sampler.sampler(seed, parallel=len(self.pool) > 1)
                job = TrialJob(objective, mirror, self.store, self.observer)
                jobs.append(job)
                if job.ask():
                    return job
            return None

        self.pool.run(next_job)
        if jobs:
            self.store.add_seconds(
                optuna_per_trial=fmean(job.overhead for job in jobs),
                optuna_delay_per_trial=fmean(job.delay for job in jobs),
            )

    def finals(self, trials: int) -> None:
        """Run the best configurations again over seeds, name the winner, note the reading."""
        study = self.store.record()
        count = self.spec.finals.configurations
        finalists = best_trials(study, self.spec.objective, count)
        if not finalists:
            return
        last = study.readings[-1] if study.readings else None
        wanted = (trials, {run.trial for run in finalists}, self.spec.finals.seeds)
        same = last is not None and (last.trials, set(last.finalists), last.seeds) == wanted
        generation = len(study.readings) + (not same)
        entries = {entry.label: entry for entry in self.spec.models}
        jobs: list[ReadJob] = []
        keys: dict[int, list[str]] = {}
        for run in finalists:
            entry = entries[run.entry]
            own = self.reader.jobs(
                "final",
                entry,
                _with_epochs(entry.configured(_fields(run.model)), run.best_epoch),
                name=str(run.trial),
                label=run.label,
                number=run.number,
                generation=generation,
            )
            keys[run.trial] = [job.record.key for job in own]
            jobs += own
        self.reader.run("finals", jobs)
        winner = best_final(self.store.record(), self.spec.objective, keys)
        if winner is None:
            self.observer.note("no finalist could be fitted on every seed: there is no winner")
            return
        reading = Reading(
            generation=generation,
            trials=trials,
            finalists=(winner, *(number for number in keys if number != winner)),
            seeds=self.spec.finals.seeds,
            winner=winner,
        )
        folder = self.store.folder / "model"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(self.store.folder / scorer_path(winner), folder / ".model.npz.partial")
        (folder / ".model.npz.partial").replace(folder / "model.npz")
        if reading != last:  # another winner of the same finalists is another reading
            self.store.add_reading(dataclasses.replace(reading, generation=len(study.readings) + 1))


def _with_epochs(model: Model, epochs: int | None) -> Model:
    return model.model_copy(update={"epochs": epochs}) if hasattr(model, "epochs") else model


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name != "kind"}
