"""Studies in the storage of a home, also those that were stopped before they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from cfexp.search.storage import is_storage, open_storage

if TYPE_CHECKING:
    from pathlib import Path


def trials_by_study(home: Path) -> dict[str, int]:
    """Return how many trials every study of a home has, those that wait included."""
    if not is_storage(home):
        return {}
    storage = open_storage(home)
    return {
        study.study_name: storage.get_n_trials(study._study_id)  # noqa: SLF001
        for study in storage.get_all_studies()
    }


def forget(home: Path, name: str) -> None:
    """Delete a study from the storage of a home."""
    optuna.delete_study(study_name=name, storage=open_storage(home))
