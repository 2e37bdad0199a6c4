"""How a study stands: its best trial, its winner, whether it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.seeds import configuration, is_counted, seeds_of
from cfexp.search.store.record import TIMEOUT

if TYPE_CHECKING:
    from cfexp.search.place import Where
    from cfexp.search.store.record import RunRecord, StudyRecord


def best_trial(study: StudyRecord) -> RunRecord | None:
    """Return the trial with the best first objective on validation."""
    name = f"val/{study.objectives[0]}"
    trials = [run for run in study.of_role("trial") if is_ranked(run, name)]
    return min(trials, key=lambda run: loss_of(study, run), default=None)


def loss_of(study: StudyRecord, run: RunRecord) -> float:
    """Return a run's first objective on validation, turned so that less is better."""
    value = run.metrics[f"val/{study.objectives[0]}"]
    return -value if study.direction == "maximize" else value


def is_ranked(run: RunRecord, name: str) -> bool:
    """Return whether a run has a value that counts."""
    return run.state == "complete" and name in run.metrics


def is_timed_out(run: RunRecord) -> bool:
    """Return whether the study's limit for a trial's time ended a run."""
    return TIMEOUT in run.facts or (run.reason or "").startswith(TIMEOUT)


def winning_runs(study: StudyRecord) -> list[RunRecord]:
    """Return the final runs, one per seed, of the winner of the last reading."""
    return [run for run in study.of_role("final") if is_winner(study, run)]


def is_winner(study: StudyRecord, run: RunRecord) -> bool:
    """Return whether a run is of the winner of the last reading, its trial included."""
    if not study.readings or run.role == "baseline":
        return False
    return run.number == study.readings[-1].winner and is_counted(run.key, seeds_of(study.spec))


def seeds_beside(study: StudyRecord, run: RunRecord) -> list[RunRecord]:
    """Return the runs of a run's configuration, one per seed that the study asks for."""
    wanted, seeds = configuration(run.key), seeds_of(study.spec)
    return [
        one for one in study.runs if configuration(one.key) == wanted and is_counted(one.key, seeds)
    ]


def is_finished(study: StudyRecord) -> bool:
    """Return whether all trials have ended and the test set was read for them."""
    trials = study.of_role("trial")
    if len(trials) < study.budget:
        return False
    found = any(run.state == "complete" for run in trials)
    return not found or any(reading.trials == study.budget for reading in study.readings)


def state(study: StudyRecord, where: Where) -> str:
    """Return `running`, `workers only`, `finished`, or `interrupted`.

    `cfexp run` goes on with an interrupted study, and with one that workers alone run.
    """
    from cfexp.search.store.leases import working_hosts
    from cfexp.search.store.storage import open_storage
    from cfexp.search.store.study_lock import is_running

    if is_running(where, study.name):
        return "running"
    if is_finished(study):
        return "finished"
    storage = open_storage(where)  # its connections are closed when it is forgotten
    with storage.engine.begin() as connection:
        return "workers only" if working_hosts(connection, study.name) else "interrupted"


def ended(study: StudyRecord) -> int:
    """Return when the study's newest run ended, in milliseconds since 1970."""
    return max((run.ended for run in study.runs), default=study.created)
