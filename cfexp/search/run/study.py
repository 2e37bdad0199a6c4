"""The coordinator of a study: it asks, hands out, tells and remembers; workers compute.

baselines -> trials (ask, train epoch by epoch, report, prune or finish, tell)
-> the best few re-run over seeds -> the winner -> the test set read
"""

from __future__ import annotations

import dataclasses
import shutil
from math import inf
from typing import TYPE_CHECKING, Any

from cfexp.analysis.bucket_recipe import attributes_of
from cfexp.data.side_information.attributes import Attributes
from cfexp.provenance import provenance
from cfexp.search.place import Place
from cfexp.search.run.finals import best_final, best_trials
from cfexp.search.run.reader import Reader, baselines, scorer_path
from cfexp.search.run.trials import Trials
from cfexp.search.store.record import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.models.model import Model
    from cfexp.search.observer import Observer
    from cfexp.search.place import Where
    from cfexp.search.run.pool import Pool
    from cfexp.search.run.reader import ReadJob
    from cfexp.search.run.timeout import Timeout
    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.record import StudyRecord
    from cfexp.search.store.store import Store


def run(
    spec: StudySpec,
    facts: dict[str, Any],
    pool: Pool,
    *,
    stages: Path,
    where: Where,
    observer: Observer,
    check: Callable[[], None],
    trials: int | None = None,
    threads: int = 1,
    timeout: Timeout | None = None,
) -> Store:
    """Run what is missing of a study in the workers of `pool` and return its store.

    The caller holds the study's lock, and `check` raises when it is lost; and the data that
    `facts` tell of in the folder `stages`, as `prepared.kept` lays them. `trials` raises
    the file's budget; `threads` are each worker's; `timeout` ends the search before its
    budget is met. Whatever is finished is in the store before an observer hears of it.
    """
    folder = Place.of(where).folder(spec.name).resolve()
    for partial in list(folder.rglob(".*.partial")):  # left by a session that was killed
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
    set_up(pool, spec, stages, folder, threads)
    # Optuna is imported while the workers start.
    from cfexp.search.store.claims import Claims
    from cfexp.search.store.storage import told_of_storage
    from cfexp.search.store.store import Store

    with told_of_storage():
        store = Store.create(spec, where, facts)
        _copy(stages / "vocabulary.npz", store.folder / "vocabulary.npz")
        attributes = Attributes.load(stages / "users.npz").only(attributes_of(spec.buckets))
        attributes.save(store.folder / "users.npz")
        wanted = spec.search.trials if trials is None else trials
        budget = store.plan(spec, wanted)
        if trials is not None and budget > trials:
            observer.note(f"the study has {budget} trials already; a budget is never lowered")
        store.set_timeout(None)
        store.add_environment(provenance() | {"threads": f"{threads}", "workers": f"{len(pool)}"})
        study = store.record()
        observer.started(study)
        with Claims(store, coordinator=True) as claims:
            known = [run.trial for run in study.of_role("trial")]
            until = inf if timeout is None else timeout.until
            todo = Trials(spec, store, claims, observer, known=known, check=check, until=until)
            coordinator = _Coordinator(spec, store, pool, observer)
            coordinator.baselines()
            coordinator.trials(budget, todo)
            check()
            study = store.record()
            ended = len(study.of_role("trial"))
            if timeout is not None and ended < budget:
                store.set_timeout(timeout.seconds)
                observer.note(f"stopped by the timeout after {ended} of {budget} trials")
            coordinator.finals(study)
    return store


def set_up(pool: Pool, spec: StudySpec, stages: Path, folder: Path, threads: int) -> None:
    """Let workers load the study's matrices from `stages`; what they write goes below `folder`."""
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


class _Coordinator:
    def __init__(self, spec: StudySpec, store: Store, pool: Pool, observer: Observer) -> None:
        self.spec = spec
        self.store = store
        self.pool = pool
        self.observer = observer
        self.reader = Reader(spec, store, pool, observer)

    def baselines(self) -> None:
        """Fit and read every baseline and every default configuration that is missing."""
        jobs: list[ReadJob] = []
        for label, entry in baselines(self.spec):
            name = f"{label}/{entry.digest}"
            jobs += self.reader.jobs("baseline", entry, entry.model, name=name, label=label)
        self.reader.run("baselines", jobs)

    def trials(self, budget: int, trials: Trials) -> None:
        """Run every trial that waits, and wait for those that others run."""
        self.observer.phase("trials", budget)
        trials.run(self.pool, to_the_end=True)
        if seconds := trials.seconds():
            self.store.add_seconds(**seconds)

    def finals(self, study: StudyRecord) -> None:
        """Run the best configurations again over seeds, name the winner, note the reading.

        Of the trials that have ended in `study`, whatever others end meanwhile.
        """
        trials = len(study.of_role("trial"))
        count = self.spec.finals.configurations
        finalists = best_trials(study, count)
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
        winner = best_final(self.store.record(), keys)
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
        folder = self.store.folder
        (folder / "model").mkdir(exist_ok=True)
        _copy(folder / scorer_path(winner), folder / "model" / "model.npz")
        if reading != last:  # another winner of the same finalists is another reading
            self.store.add_reading(dataclasses.replace(reading, generation=len(study.readings) + 1))


def _copy(source: Path, target: Path) -> None:
    """Copy a file, which appears whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _with_epochs(model: Model, epochs: int | None) -> Model:
    return model.model_copy(update={"epochs": epochs}) if hasattr(model, "epochs") else model


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name != "kind"}
