"""Studies in the storage of a place, also those that were stopped before they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from sqlalchemy import delete, select

from cfexp.errors import StudyConflictError
from cfexp.search.leases import LEASES, now
from cfexp.search.storage import is_storage, open_storage

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

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
    held = LEASES.c.trial_id.in_(_trial_ids(storage, name))
    with storage.engine.begin() as connection:
        query = select(LEASES.c.host).where(held, LEASES.c.until >= now(connection))
        hosts = sorted(set(connection.execute(query).scalars()))
    if hosts:
        raise StudyConflictError(f"study {name!r} is being run by workers on {', '.join(hosts)}")


def forget(where: Where, name: str) -> None:
    """Delete a study from the storage of a place."""
    storage = open_storage(where)
    trials = _trial_ids(storage, name)
    optuna.delete_study(study_name=name, storage=storage)
    with storage.engine.begin() as connection:
        connection.execute(delete(LEASES).where(LEASES.c.trial_id.in_(trials)))


def _trial_ids(storage: RDBStorage, name: str) -> list[int]:
    study_id = storage.get_study_id_from_name(name)
    return [trial._trial_id for trial in storage.get_all_trials(study_id, deepcopy=False)]  # noqa: SLF001
