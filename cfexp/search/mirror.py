"""`Mirror`: one model's trials in memory, which its sampler and pruner look at.

Reporting every epoch to a database costs more than everything else together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, Trial

    from cfexp.search.stored import Stored


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
        if not self._update(trial, TrialState.WAITING):
            self._add(self._stored.frozen(trial, TrialState.WAITING))
        return self.study.ask()  # nothing else waits here

    def learn(self, trial: FrozenTrial) -> None:
        """Take over how a trial stands that another process runs or ended."""
        if trial.number not in self._places:
            self._add(self._stored.frozen(trial, trial.state))
        else:
            self._update(trial, trial.state)

    def _add(self, trial: FrozenTrial) -> None:
        self._places[trial.user_attrs["slot"]] = len(self.study.get_trials(deepcopy=False))
        self.study.add_trial(trial)

    def _update(self, trial: FrozenTrial, state: TrialState) -> bool:
        """Bring a trial that is here to `state`; False where it is not, or has ended here."""
        place = self._places.get(trial.number)
        if place is None:
            return False
        known = self.study.get_trials(deepcopy=False)[place]
        if known.state.is_finished():
            return False
        new = self._stored.frozen(trial, state)
        memory, trial_id = self.study._storage, known._trial_id  # noqa: SLF001
        for name, value in new.params.items():
            kind = new.distributions[name]
            memory.set_trial_param(trial_id, name, kind.to_internal_repr(value), kind)
        for epoch, value in new.intermediate_values.items():
            memory.set_trial_intermediate_value(trial_id, epoch, value)
        memory.set_trial_state_values(trial_id, state, new.values if state.is_finished() else None)
        return True
