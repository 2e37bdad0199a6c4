"""`Store`: one study in the Optuna storage, which holds the truth.

Every trial is enqueued as a numbered slot before anything runs, so a budget is met
exactly whatever is killed; `Claims` says who runs which. A trial's whole record, curve
included, is one attribute, written together with its state. Baselines, finals and
readings of the test set are attributes of the study.
"""

from __future__ import annotations

import itertools
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

import cfexp
from cfexp.errors import StudyConflictError
from cfexp.search.place import Place
from cfexp.search.spec.conflicts import refuse_other
from cfexp.search.store.record import Environment, now_ms
from cfexp.search.store.slots import slots
from cfexp.search.store.storage import ABOUT, flush, is_storage, open_storage, study_names
from cfexp.search.store.stored import Stored, environments

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

    from cfexp.search.place import Where
    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.record import Reading, RunRecord, StudyRecord


class Store:
    """One study in the storage of a place."""

    def __init__(
        self, study: optuna.Study, storage: RDBStorage, place: Place, created: int
    ) -> None:
        self.study = study
        self.storage = storage
        self.created = created
        self.folder = place.folder(study.study_name)
        self._home = place.home
        self.stored = Stored(study, self.folder)

    @classmethod
    def load(cls, name: str, where: Where) -> Store:
        """Open a study that is in the storage of a place."""
        place = Place.of(where)
        if Path(name).name != name or name in {"", ".."}:  # as only a crafted store can have
            raise StudyConflictError(f"{name!r} is no study's name: it must not hold a path")
        if not is_storage(place):
            raise StudyConflictError(f"there is no study {name!r}: nothing was run in {place} yet")
        storage = open_storage(place)
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            raise place.without(name, study_names(storage)) from None
        about = study.user_attrs.get(ABOUT)
        if about is None:
            raise StudyConflictError(f"study {name!r} was stopped before it began; run it again")
        return cls(study, storage, place, about["created"])

    @classmethod
    def create(cls, spec: StudySpec, where: Where, facts: dict[str, Any]) -> Store:
        """Open the study of `spec`, new or to be resumed; `facts` are `Prepared.facts`.

        Raises
        ------
        StudyConflictError
            When the storage holds a study of this name with another science or on
            other data; says what differs.
        """
        place = Place.of(where)
        storage = open_storage(place)
        about = facts | {
            "version": cfexp.__version__,
            "science": spec.science_hash,
            "created": now_ms(),
            "spec": spec.model_dump(mode="json"),
            "text": spec.text,
        }
        directions = [goal.direction for goal in spec.goals]
        study = optuna.create_study(
            study_name=spec.name, storage=storage, directions=directions, load_if_exists=True
        )
        old = study.user_attrs.get(ABOUT)
        if old is not None:
            refuse_other(spec, old, about)
            about["created"] = old["created"]
            about["features"] = about.get("features") or old.get("features")  # runs are kept
        if about != old:
            study.set_user_attr(ABOUT, about)  # one attribute: there whole, or not at all
        store = cls(study, storage, place, about["created"])
        store.folder.mkdir(parents=True, exist_ok=True)
        return store

    @cached_property
    def objectives(self) -> list[str]:
        """The names of the study's objectives."""
        return list(self.study.user_attrs[ABOUT]["spec"]["objectives"])

    # Slots and trials

    def plan(self, spec: StudySpec, budget: int) -> int:
        """Enqueue slots until there are `budget`, and return how many there are then.

        The caller holds the study's lock.
        """
        trials = self.study.get_trials(deepcopy=False)
        missing = itertools.islice(slots(spec), len(trials), max(budget, len(trials)))
        for label, values in missing:
            params = {f"{label}.{name}": value for name, value in values.items()}
            self.study.enqueue_trial(params, user_attrs={"entry": label})
        return len(self.study.get_trials(deepcopy=False))

    def all_ended(self) -> bool:
        """Return whether there is no trial left for anybody to run."""
        return all(trial.state.is_finished() for trial in self.study.get_trials(deepcopy=False))

    def mirror(self) -> optuna.Study:
        """Return the study in memory; a trial's user attribute `slot` is its number here."""
        mirror = optuna.create_study(directions=self.study.directions)
        for trial in self.study.get_trials(deepcopy=False):
            mirror.add_trial(self.stored.frozen(trial, trial.state))
        return mirror

    def flush(self) -> None:
        """Bring what was written to the disk: finished runs outlive a loss of power."""
        flush(self._home)

    # Everything else

    def add_run(self, run: RunRecord) -> None:
        """Write a baseline or a final."""
        self.study.set_user_attr(f"run:{run.key}", json.dumps(run.to_json()))
        self.flush()

    def add_seconds(self, **seconds: float) -> None:
        """Write what the study's own machinery cost."""
        self.study.set_user_attr("seconds", self.study.user_attrs.get("seconds", {}) | seconds)

    def set_timeout(self, seconds: float | None) -> None:
        """Write which limit stopped the search, or that none did."""
        if self.study.user_attrs.get("timeout") != seconds:
            self.study.set_user_attr("timeout", seconds)

    def add_reading(self, reading: Reading) -> None:
        """Write a reading of the test set."""
        self.study.set_user_attr(f"reading:{reading.generation}", reading.to_json())

    def add_environment(self, facts: dict[str, str], worker: str = "") -> None:
        """Write what runs are computed with from now on, where that has changed."""
        known = environments(self.study.user_attrs)
        if [one.facts for one in known if one.worker == worker][-1:] == [facts]:
            return
        environment = Environment(now_ms(), facts, worker)
        key = f"environment:{environment.since}{worker and ':'}{worker}"
        self.study.set_user_attr(key, environment.to_json())

    def record(self) -> StudyRecord:
        """Return everything that is known of the study."""
        return self.stored.record()
