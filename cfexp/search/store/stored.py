"""`Stored`: a study's attributes and trials in the Optuna storage, read as records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optuna.trial import create_trial

from cfexp.search.store.record import Environment, Reading, RunRecord, StudyRecord
from cfexp.search.store.storage import ABOUT

if TYPE_CHECKING:
    from pathlib import Path

    import optuna
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState

_ORDER = {"baseline": 0, "trial": 1, "final": 2}


class Stored:
    """Reads one study, and nothing twice: what is written of a run never changes."""

    def __init__(self, study: optuna.Study, folder: Path) -> None:
        self._study = study
        self._folder = folder
        self._runs: dict[str, RunRecord] = {}

    def run(self, text: str) -> RunRecord:
        """Return the run that a text of JSON describes."""
        if text not in self._runs:
            self._runs[text] = RunRecord.from_json(json.loads(text))
        return self._runs[text]

    @property
    def directions(self) -> list[StudyDirection]:
        """Whether each objective is maximized or minimized."""
        return self._study.directions

    def frozen(self, trial: FrozenTrial, state: TrialState) -> FrozenTrial:
        """Return a trial in a state, for a study in memory.

        Its user attribute `slot` is its number in the store; its epochs are those of its
        record, once it has ended.
        """
        points = {}
        ended = state.is_finished()
        if ended and "record" in trial.user_attrs and len(self.directions) == 1:
            (name,) = self._study.user_attrs[ABOUT]["spec"]["objectives"]
            curve = self.run(trial.user_attrs["record"]).curve
            points = {point.epoch: point.metrics[f"val/{name}"] for point in curve}
        return create_trial(
            state=state,
            values=trial.values if ended else None,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={"entry": trial.user_attrs["entry"], "slot": trial.number},
            system_attrs=trial.system_attrs,
            intermediate_values=points,
        )

    def record(self) -> StudyRecord:
        """Return everything that is known of the study."""
        attributes = self._study.user_attrs
        about = attributes[ABOUT]
        spec = about["spec"]
        wanted = _baselines(spec)
        runs = [self.run(text) for key, text in attributes.items() if key.startswith("run:")]
        runs = [run for run in runs if run.role != "baseline" or _identity(run) in wanted]
        trials = self._study.get_trials(deepcopy=False)
        runs += [
            self.run(trial.user_attrs["record"])
            for trial in trials
            if trial.state.is_finished() and "record" in trial.user_attrs  # else others ended it
        ]
        readings = [
            Reading.from_json(value)
            for key, value in attributes.items()
            if key.startswith("reading:")
        ]
        return StudyRecord(
            name=self._study.study_name,
            description=spec["description"],
            science=about["science"],
            fingerprint=about["fingerprint"],
            text=about["text"],
            spec=spec,
            objectives=tuple(spec["objectives"]),
            direction=self._study.directions[0].name.lower(),  # type: ignore[arg-type]
            data=about["data"],
            split=about["split"],
            runs=tuple(sorted(runs, key=lambda run: (_ORDER[run.role], run.number or 0, run.key))),
            readings=tuple(sorted(readings, key=lambda reading: reading.generation)),
            budget=len(trials),
            created=about["created"],
            folder=str(self._folder),
            seconds=attributes.get("seconds", {}),
            environments=environments(attributes),
            timeout=attributes.get("timeout"),
        )


def environments(attributes: dict[str, Any]) -> tuple[Environment, ...]:
    """Return what the study's runs were computed with, the oldest first."""
    found = [
        Environment.from_json(value)
        for key, value in attributes.items()
        if key.startswith("environment:")
    ]
    return tuple(sorted(found, key=lambda environment: environment.since))


def _baselines(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Return the baselines and defaults that the study file holds: name, model and mask."""
    named = [(entry, "") for entry in spec["baselines"]]
    named += [(entry, " default") for entry in spec["models"]]
    return [
        ((entry["name"] or entry["model"]["kind"]) + suffix, entry["model"], entry["mask"])
        for entry, suffix in named
    ]


def _identity(run: RunRecord) -> tuple[str, dict[str, Any], str]:
    """Return a baseline's name, model and mask, as it was run."""
    return run.key.split("/")[1], run.model, run.mask
