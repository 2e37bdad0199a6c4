"""A search's trials as studies of their own: of each model, or only some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def by_model(trials: optuna.Study) -> dict[str, optuna.Study]:
    """Return one study per model, of the first objective alone.

    Models are told apart by the prefix of their parameters' names. In a model's study
    the other trials are left as gaps, so that every trial keeps its number.
    """
    owners = {trial.number: _owner(trial) for trial in complete_trials(trials)}
    models = dict.fromkeys(owners.values())
    if len(models) <= 1 and len(trials.directions) == 1:
        return {"": trials}
    searched = [model for model in models if model] or [""]  # the rest have no parameters to draw
    return {model: _part(trials, model, owners) for model in searched}


def _owner(trial: FrozenTrial) -> str:
    return next((name.rpartition(".")[0] for name in trial.params), "")


def _part(trials: optuna.Study, model: str, owners: dict[int, str]) -> optuna.Study:
    from optuna.trial import TrialState, create_trial

    return study_of(
        trials,
        [
            create_trial(
                value=trial.values[0], params=trial.params, distributions=trial.distributions
            )
            if owners.get(trial.number) == model
            else create_trial(state=TrialState.FAIL)
            for trial in trials.get_trials(deepcopy=False)
        ],
    )


def study_of(study: optuna.Study, trials: list[FrozenTrial]) -> optuna.Study:
    """Return a study of some trials, by the first direction of another."""
    from optuna import create_study, logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)  # a study made for drawing is no news
    part = create_study(direction=study.directions[0])
    logging.set_verbosity(verbosity)
    part.add_trials(trials)
    return part


def complete_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that ended with a value."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
