"""A study deleted: out of MLflow, out of the Optuna storage, its folder, and its data.

Optuna's storage, which holds the truth, forgets it last but for the folder; what a killed
deletion left of either is enough for the next one to find and finish.
"""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from cfexp.errors import StudyConflictError
from cfexp.search.place import NAME, Place

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.search.place import Where
    from cfexp.tracking.removal import Removal


class Deletion:
    """Everything that is known of a study, held against being run, to be deleted.

    Raises
    ------
    StudyConflictError
        When there is no such study, or it is being run.
    InputError
        When something else depends on it; see `cfexp.tracking.removal`.
    TrackingError
        When MLflow cannot be reached.
    """

    def __init__(
        self, where: Where, name: str, *, tracking_uri: str | None = None, track: bool = True
    ) -> None:
        self._place = Place.of(where)
        self._name = name
        self._uri = tracking_uri
        self._track = track
        self._held = ExitStack()
        self._sound = bool(re.fullmatch(NAME, name))
        self._folder = self._place.folder(name)
        self._gone = self._place.folder(f".{name}.deleted")
        self._tracked: Removal | None = None

    def __enter__(self) -> Self:
        from cfexp.search.store.forget import refuse_held, trials_by_study
        from cfexp.search.store.study_lock import study_lock

        names = trials_by_study(self._place)
        here = self._name in names or (
            self._sound and (self._folder.is_dir() or self._gone.is_dir())
        )
        if self._sound and self._track:
            from cfexp.tracking.removal import Removal

            tags = self._identity() if self._name in names else None
            self._tracked = Removal(self._name, self._place.home, self._uri, tags)
        if not (here or self._tracked):
            raise self._place.without(self._name, names)
        with ExitStack() as held:
            if self._sound:
                held.enter_context(study_lock(self._place, self._name))
            refuse_held(self._place, self._name)
            self._held = held.pop_all()
        return self

    def _identity(self) -> dict[str, str] | None:
        """Return by what the study is known in MLflow; None where it never began."""
        from cfexp.search.store.store import Store
        from cfexp.tracking.summary import identity

        try:
            return identity(Store.load(self._name, self._place).record())
        except StudyConflictError:
            return None

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def parts(self) -> list[str]:
        """Return in words what there is to delete."""
        from cfexp.search.prepared.sharing import used_alone
        from cfexp.search.store.forget import trials_by_study

        parts = []
        if self._sound:
            parts.append(f"the folder {self._folder} ({_megabytes(self._folder)})")
            for folder in used_alone(self._place.home, self._name):
                words = "prepared data that no other study uses"
                parts.append(f"{words}, {folder} ({_megabytes(folder)})")
        trials = trials_by_study(self._place).get(self._name)
        if trials is not None:
            parts.insert(0, f"the study in Optuna's storage: {trials:,} trials")
        if self._tracked:
            parts.append(str(self._tracked))
        return parts

    def delete(self) -> None:
        """Delete it all; refused where a worker has joined meanwhile."""
        from cfexp.search.prepared.sharing import sweep
        from cfexp.search.store.forget import forget, refuse_held, trials_by_study

        refuse_held(self._place, self._name)
        if self._tracked is not None:
            self._tracked.remove()
        if self._name in trials_by_study(self._place):
            forget(self._place, self._name)
        if not self._sound:
            return  # no folder of ours can have this name
        if self._gone.is_dir():
            shutil.rmtree(self._gone)
        self._folder.rename(self._gone)  # whoever takes the name now gets a folder of its own
        shutil.rmtree(self._gone)
        shutil.rmtree(self._place.home / "workers" / self._name, ignore_errors=True)
        sweep(self._place.home)


def _megabytes(folder: Path) -> str:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{size / 1e6:,.1f} MB"
