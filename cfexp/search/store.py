"""`Store`: one study in the Optuna storage, which holds the truth.

Every trial is enqueued as a numbered slot before anything runs, so a budget is met
exactly whatever is killed. A trial's whole record, curve included, is one attribute,
written just before its state; a trial found running when nobody runs it is put back
to waiting under its own number with the values it had. Baselines, finals and readings
of the test set are attributes of the study.

Sampling and pruning work on `mirror()`, the same study in memory: reporting every
epoch to a database costs more than everything else together.
"""

from __future__ import annotations

import itertools
import json
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState, create_trial

import cfexp
from cfexp.errors import StudyConflictError, did_you_mean
from cfexp.search.conflicts import refuse_other
from cfexp.search.record import Environment
from cfexp.search.slots import slots
from cfexp.search.storage import ABOUT, study_names
from cfexp.search.stored import Stored, environments

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.storages import RDBStorage

    from cfexp.search.record import Reading, RunRecord, StudyRecord
    from cfexp.search.spec import StudySpec

_STATES: dict[str, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class Store:
    """One study in the storage of a home."""

    def __init__(self, study: optuna.Study, home: Path) -> None:
        self.study = study
        self.folder = home / "studies" / study.study_name
        self._storage = study._storage  # noqa: SLF001
        self._stored = Stored(study, self.folder)
        self._ids: dict[int, int] = {}

    @classmethod
    def load(cls, storage: RDBStorage, name: str, home: Path) -> Store:
        """Open a study that is in the storage."""
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            names = study_names(storage)
            raise StudyConflictError(
                f"there is no study {name!r} in {home}; there are: "
                f"{', '.join(names) or 'none'}{did_you_mean(name, names)}"
            ) from None
        if ABOUT not in study.user_attrs:
            raise StudyConflictError(f"study {name!r} was stopped before it began; run it again")
        return cls(study, home)

    @classmethod
    def create(
        cls, storage: RDBStorage, spec: StudySpec, home: Path, facts: dict[str, Any]
    ) -> Store:
        """Open the study of `spec`, new or to be resumed.

        `facts` holds `fingerprint`, `rows` (the fingerprint of the split's rows alone),
        `data`, `split` and perhaps `grouped_by` and `features`.

        Raises
        ------
        StudyConflictError
            When the storage holds a study of this name with another science or on
            other data; says what differs.
        """
        about = {
            "version": cfexp.__version__,
            "science": spec.science_hash,
            "fingerprint": facts["fingerprint"],
            "rows": facts["rows"],
            "created": int(time.time() * 1000),
            "spec": spec.model_dump(mode="json"),
            "text": spec.text,
            "data": facts["data"],
            "split": facts["split"],
            "grouped_by": facts.get("grouped_by"),
            "features": facts.get("features"),
        }
        directions = [goal.direction for goal in spec.goals]
        study = optuna.create_study(
            study_name=spec.name, storage=storage, directions=directions, load_if_exists=True
        )
        store = cls(study, home)
        old = study.user_attrs.get(ABOUT)
        if old is not None:
            refuse_other(spec, old, about)
            about["created"] = old["created"]
        if about != old:
            study.set_user_attr(ABOUT, about)  # one attribute: there whole, or not at all
        store.folder.mkdir(parents=True, exist_ok=True)
        return store

    @cached_property
    def objectives(self) -> list[str]:
        """The names of the study's objectives."""
        return list(self.study.user_attrs[ABOUT]["spec"]["objectives"])

    # Slots and trials

    def plan(self, spec: StudySpec, budget: int) -> int:
        """Enqueue slots until there are `budget`, and return how many there are then.

        Stale running trials, which no process works on (the caller holds the study's
        lock), are put back to waiting, or ended when their record was already written.
        """
        self.release()
        trials = self.study.get_trials(deepcopy=False)
        missing = itertools.islice(slots(spec), len(trials), max(budget, len(trials)))
        for label, values in missing:
            params = {f"{label}.{name}": value for name, value in values.items()}
            self.study.enqueue_trial(params, user_attrs={"entry": label})
        return len(self.study.get_trials(deepcopy=False))

    def release(self) -> None:
        """Put trials that nobody works on back to waiting."""
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state is TrialState.RUNNING:
                self._revive(trial)

    def _revive(self, trial: FrozenTrial) -> None:
        if "record" in trial.user_attrs:
            record = self._stored.run(trial.user_attrs["record"])
            self._end(trial._trial_id, record)  # noqa: SLF001
        else:
            self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)  # noqa: SLF001

    def mirror(self, entry: str | None = None) -> optuna.Study:
        """Return the study in memory, or one model's part of it.

        A trial's user attribute `slot` is its number in the store.
        """
        mirror = optuna.create_study(directions=self.study.directions)
        objective = f"val/{self.objectives[0]}"
        single = len(self.study.directions) == 1
        for trial in self.study.get_trials(deepcopy=False):
            self._ids[trial.number] = trial._trial_id  # noqa: SLF001
            if entry not in {None, trial.user_attrs["entry"]}:
                continue
            points = {}
            if single and "record" in trial.user_attrs:
                record = self._stored.run(trial.user_attrs["record"])
                points = {point.epoch: point.metrics[objective] for point in record.curve}
            known = {
                name: (value, json_to_distribution(text))
                for name, (value, text) in trial.user_attrs.get("params", {}).items()
            }
            mirror.add_trial(
                create_trial(
                    state=trial.state,
                    values=trial.values if trial.state is not TrialState.WAITING else None,
                    params={name: value for name, (value, _) in known.items()},
                    distributions={name: kind for name, (_, kind) in known.items()},
                    user_attrs={"entry": trial.user_attrs["entry"], "slot": trial.number},
                    system_attrs=trial.system_attrs,
                    intermediate_values=points,
                )
            )
        return mirror

    def claim(self, trial: FrozenTrial) -> None:
        """Write that a trial of a mirror is running, and with which parameters.

        They are first written as one attribute, so that a death in between leaves all
        of them or none.
        """
        trial_id = self._ids[trial.user_attrs["slot"]]
        self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        params = {
            name: (value, distribution_to_json(trial.distributions[name]))
            for name, value in trial.params.items()
        }
        self._storage.set_trial_user_attr(trial_id, "params", params)
        for name, value in trial.params.items():
            kind = trial.distributions[name]
            self._storage.set_trial_param(trial_id, name, kind.to_internal_repr(value), kind)

    def end(self, record: RunRecord) -> None:
        """Write a trial's record, then its state."""
        trial_id = self._ids[record.trial]
        self._storage.set_trial_user_attr(trial_id, "record", json.dumps(record.to_json()))
        self._end(trial_id, record)

    def _end(self, trial_id: int, record: RunRecord) -> None:
        failed = record.state == "failed"
        values = None if failed else [record.metrics[f"val/{name}"] for name in self.objectives]
        self._storage.set_trial_state_values(trial_id, _STATES[record.state], values)

    # Everything else

    def add_run(self, run: RunRecord) -> None:
        """Write a baseline or a final."""
        self.study.set_user_attr(f"run:{run.key}", json.dumps(run.to_json()))

    def add_seconds(self, **seconds: float) -> None:
        """Write what the study's own machinery cost."""
        self.study.set_user_attr("seconds", self.study.user_attrs.get("seconds", {}) | seconds)

    def add_reading(self, reading: Reading) -> None:
        """Write a reading of the test set."""
        self.study.set_user_attr(f"reading:{reading.generation}", reading.to_json())

    def add_environment(self, facts: dict[str, str]) -> None:
        """Write what runs are computed with from now on, where that has changed."""
        known = environments(self.study.user_attrs)
        if known and known[-1].facts == facts:
            return
        environment = Environment(int(time.time() * 1000), facts)
        self.study.set_user_attr(f"environment:{environment.since}", environment.to_json())

    def record(self) -> StudyRecord:
        """Return everything that is known of the study."""
        return self._stored.record()
