"""`Objective`: propose a configuration, run it, and return what it is worth.

objective = Objective(load_study("studies/quickstart.toml"))
optuna.create_study(direction="maximize").optimize(objective, n_trials=20)
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cfexp.search.prepared.prepare import Prepared, prepare
from cfexp.search.run.runs import search_run
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from optuna import Trial

    from cfexp.search.spec.space import Value
    from cfexp.search.spec.spec import StudySpec, Tuned
    from cfexp.search.store.record import Point
    from cfexp.splits.stage_data import StageData


class Objective:
    """What one trial of a study does; any Optuna study can optimize it.

    Calling it with a trial composes `propose` and a run on the validation stages,
    which are loaded when they are first needed.
    """

    def __init__(
        self,
        spec: StudySpec,
        *,
        threads: int | None = None,
        data: Any = None,  # noqa: ANN401
    ) -> None:
        self.spec = spec
        self.threads = threads
        self._data = data

    @cached_property
    def _prepared(self) -> Prepared:
        return prepare(self.spec, self._data)

    @property
    def stages(self) -> list[StageData]:
        """The validation stages."""
        return self._prepared.validation

    def propose(self, trial: Trial) -> tuple[Tuned, dict[str, Value]]:
        """Return the model to tune and a value for each searched field (`als.alpha`).

        With several models, a trial says which one it tunes in its user attribute
        `entry`; one that does not is asked for it as the parameter `model`.
        """
        entries = {entry.label: entry for entry in self.spec.models}
        label = trial.user_attrs.get("entry")
        if label is None:
            labels = list(entries)
            label = labels[0] if len(labels) == 1 else trial.suggest_categorical("model", labels)
        entry = entries[label]
        values = {
            name: values.suggest(trial, f"{label}.{name}") for name, values in entry.space.items()
        }
        return entry, values

    def __call__(self, trial: Trial) -> float | tuple[float, ...]:
        """Run one trial: report every epoch, prune where the study's pruner says so."""
        from optuna import TrialPruned

        entry, values = self.propose(trial)
        objectives = [f"val/{name}" for name in self.spec.objectives]

        def report(point: Point) -> bool:
            if len(objectives) > 1:
                return True
            trial.report(point.metrics[objectives[0]], point.epoch)
            return not trial.should_prune()

        result = search_run(
            entry.configured(values),
            self.stages,
            self._prepared.known.measures(self.spec).of_goals(),
            mask=entry.mask,
            seed=seed_for(self.spec.seed, "trial", trial.number),
            evaluate_every=self.spec.search.evaluate_every,
            patience=self.spec.search.idle_points,
            report=report,
            threads=self.threads,
        )
        trial.set_user_attr("best_epoch", result.best_epoch)
        for name, value in {**result.metrics, **result.facts}.items():
            trial.set_user_attr(name, value)
        if result.stopped:
            raise TrialPruned
        found = tuple(result.metrics[name] for name in objectives)
        return found if len(found) > 1 else found[0]
