"""Studies in the storage of a place, also those that were stopped before they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from sqlalchemy import delete

from cfexp.errors import StudyConflictError
from cfexp.search.store.leases import LEASES, trials_of, working_hosts
from cfexp.search.store.storage import is_storage, open_storage, transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from cfexp.search.place import Where


def trials_by_study(where: Where) -> dict[str, int]:
    """Return how many trials every study of a place has, those that wait included."""
    if not is_storage(where):
        return {}
    storage = open_storage(where)
    return {
        study.study_name: storage.get_n_trials(study._study_id)  # noqa: SLF001
        for study in storage.get_all_studies()
    }


def refuse_held(where: Where, name: str) -> None:
    """Raise a StudyConflictError while workers run trials of a study."""
    if name not in trials_by_study(where):
        return
    storage = open_storage(where)
    with storage.engine.begin() as connection:
        _refuse_held(connection, name)


def _refuse_held(connection: Connection, name: str) -> None:
    if hosts := working_hosts(connection, name):
        raise StudyConflictError(f"study {name!r} is being run by workers on {', '.join(hosts)}")


def forget(where: Where, name: str) -> None:
    """Delete a study from the storage of a place, unless workers run trials of it.

    Raises
    ------
    StudyConflictError
        When they do; nothing was deleted then.
    """
    with transaction(open_storage(where)) as (connection, storage):
        # under the rows' locks no worker takes a trial
        connection.execute(trials_of(name).with_for_update())
        _refuse_held(connection, name)
        connection.execute(delete(LEASES).where(LEASES.c.trial_id.in_(trials_of(name))))
        optuna.delete_study(study_name=name, storage=storage)
