"""`Mirror`: one model's trials in memory, which its sampler and pruner look at.

Reporting every epoch to a database costs more than everything else together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, Trial

    from cfexp.search.store.stored import Stored


class Mirror:
    """What this process knows of one model's trials: its own and those of others.

    A trial's user attribute `slot` is its number in the store; the trial is here only
    once somebody has taken it.
    """

    def __init__(self, stored: Stored, pruner: BasePruner) -> None:
        self._stored = stored
        self.study = optuna.create_study(directions=stored.directions, pruner=pruner)
        self._places: dict[int, int] = {}  # by slot

    def ask(self, trial: FrozenTrial) -> Trial:
        """Begin a trial that this process has taken; `trial` is as the store has it."""
        new = self._stored.frozen(trial, TrialState.WAITING)
        place = self._places.get(trial.number)
        if place is None:
            self._add(new)
        else:  # it ran elsewhere, or was lost here after a sleep
            known = self.study.get_trials(deepcopy=False)[place]
            new.number, new._trial_id = known.number, known._trial_id  # noqa: SLF001
            memory: Any = self.study._storage  # noqa: SLF001
            memory._set_trial(known._trial_id, new)  # noqa: SLF001
            # from where on it looks for what waits
            memory._prev_waiting_trial_number[self.study._study_id] = place  # noqa: SLF001
        return self.study.ask()  # nothing else waits here

    def learn(self, trial: FrozenTrial) -> None:
        """Take over how a trial stands that another process runs or ended."""
        if trial.number not in self._places:
            self._add(self._stored.frozen(trial, trial.state))
        else:
            self._update(trial)

    def _add(self, trial: FrozenTrial) -> None:
        self._places[trial.user_attrs["slot"]] = len(self.study.get_trials(deepcopy=False))
        self.study.add_trial(trial)

    def _update(self, trial: FrozenTrial) -> None:
        """Bring a trial that is here to the state that it has, unless it has ended here."""
        known = self.study.get_trials(deepcopy=False)[self._places[trial.number]]
        if known.state.is_finished():
            return
        state = trial.state
        new = self._stored.frozen(trial, state)
        memory, trial_id = self.study._storage, known._trial_id  # noqa: SLF001
        for name, value in new.params.items():
            kind = new.distributions[name]
            memory.set_trial_param(trial_id, name, kind.to_internal_repr(value), kind)
        for epoch, value in new.intermediate_values.items():
            memory.set_trial_intermediate_value(trial_id, epoch, value)
        for key, noted in new.system_attrs.items():
            memory.set_trial_system_attr(trial_id, key, noted)
        memory.set_trial_state_values(trial_id, state, new.values if state.is_finished() else None)
