"""`MlflowTracker`: projects a study to MLflow beside it, never in its way.

Optuna's store holds the truth. Everything here happens on one thread, in order; the
first failure is said once and ends live projection, and `complete` (which `cfexp
sync` calls too) writes whatever is missing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cfexp.errors import TrackingError
from cfexp.search.place import Place, command
from cfexp.search.store.record import now_ms
from cfexp.search.store.standing import is_finished
from cfexp.tracking import artifacts, view
from cfexp.tracking.address import is_server, tracking_uri, without_login
from cfexp.tracking.client import be_patient, check_unlocked, open_client, ready, settle
from cfexp.tracking.experiment import open_experiment
from cfexp.tracking.lock import projector_lock
from cfexp.tracking.projection import Projection, study_digest
from cfexp.tracking.reason import reason
from cfexp.tracking.summary import identity
from cfexp.tracking.tables import log_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cfexp.search.store.record import RunRecord, StudyRecord

_T = TypeVar("_T")


class MlflowTracker:
    """Projects one study at a time.

    Parameters
    ----------
    uri
        Of MLflow's store; None means MLFLOW_TRACKING_URI, else `home`/mlflow.db.
    home
        The folder of databases, artifacts and locks.
    say
        Told, once, that MLflow cannot be written.
    storage
        Of studies that machines share, to be named in the command that completes MLflow.
    patience
        Seconds to wait for another process that still writes the study.
    niceness
        Of the thread that writes while the study goes on; what is written at its end
        is waited for, and written at the process's own.
    """

    def __init__(
        self,
        uri: str | None,
        home: Path,
        say: Callable[[str], None],
        *,
        storage: str | None = None,
        patience: float = 0,
        niceness: int = 0,
    ) -> None:
        self._sync = partial(command, "sync", where=Place(home, storage), tracking_uri=uri)
        self.uri = tracking_uri(uri, home)
        self.home = home
        self._say = say
        self._patience = patience
        self._thread = _thread(niceness)
        self._projection: Projection | None = None
        self._lock = ExitStack()
        self._held = False
        self._heard: dict[str, RunRecord] = {}
        self._failed = self._told = False
        self._name = ""

    def prepare(self) -> None:
        """Import MLflow and make a database that is missing, in the background.

        Nothing appears in the home before `start`, which also says what fails here.
        """
        self._thread.submit(ready, self.uri)

    def start(self, study: StudyRecord) -> None:
        """Open MLflow and the study's run, in the background; returns at once."""
        self._name = study.name
        self._heard.clear()
        self._thread.submit(self._guarded, lambda: self._start(study))

    def finished(self, run: RunRecord) -> None:
        """Write a finished run, in the background; returns at once."""
        self._heard[run.key] = run
        self._thread.submit(self._guarded, lambda: self._write(run))

    def computed(self, study: StudyRecord) -> None:
        """Write the winner's model, in the background, while the report is made."""
        self._thread.submit(self._guarded, lambda: self._log_model(study))

    def complete(self, study: StudyRecord) -> dict[str, str] | None:
        """Write all that is missing, and the study's files; wait until it is done.

        Returns links by name when the store is a server, else an empty dictionary;
        None when MLflow could not be written (and `say` was told).
        """
        self._name = study.name
        self._hurry()
        done = self._thread.submit(self._guarded, lambda: self._complete(study))
        try:
            links = done.result()
        finally:
            self._thread.submit(self._release).result()
        if self._told and links is not None:
            self._say(f"MLflow at {without_login(self.uri)} answers again and misses nothing.")
        return links

    def interrupted(self, study: StudyRecord) -> None:
        """Finish what is queued and end the study's run as killed; a resume reopens it."""
        self._name = study.name
        self._hurry()
        self._thread.submit(self._guarded, lambda: self._interrupt(study)).result()
        self._thread.submit(self._release).result()

    def _hurry(self) -> None:
        """Leave what is queued to the last call, which writes it too, with nobody in its way.

        It looks again at what MLflow has where an answer may have been lost.
        """
        self._thread.shutdown(cancel_futures=True)
        self._thread = _thread(0)
        # A call to a server that was repeated may have made a run twice.
        if self._failed or is_server(self.uri):
            self._failed, self._projection = False, None

    def _guarded(self, work: Callable[[], _T]) -> _T | None:
        """Do `work`; say the first failure and skip what follows until `complete`."""
        if self._failed:
            return None
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - tracking never stops a study
            self._failed = True
            if self._told:
                return None
            self._told = True
            self._say(
                f"MLflow at {without_login(self.uri)} cannot be written: {reason(error)}. "
                f"No result is lost: `{self._sync(self._name)}` completes MLflow later."
            )
            return None

    def _start(self, study: StudyRecord) -> None:
        projection = self._open(study)
        projection.running()
        for run in study.runs:
            projection.run(run)

    def _open(self, study: StudyRecord) -> Projection:
        if self._projection is None:
            client = open_client(self.uri, self.home)
            check_unlocked(self.uri)
            if not self._held:
                self._lock.enter_context(projector_lock(self.home, study.name, self._patience))
                self._held = True
            experiment = open_experiment(client, self.uri, self.home, study.name, identity(study))
            self._projection = Projection(client, experiment, study, _context())
        return self._projection

    def _write(self, run: RunRecord) -> None:
        if self._projection is None:
            raise TrackingError(f"run {run.key} came before the study was started")
        self._projection.run(run)

    def _log_model(self, study: StudyRecord) -> None:
        projection = self._open(study)
        artifacts.log_model(
            projection.client, projection.experiment_id, projection.parent_id, study
        )

    def _complete(self, study: StudyRecord) -> dict[str, str]:
        self._open(study)
        be_patient()  # it answers
        projection = self._write_all(study, study.runs)
        client, parent = projection.client, projection.parent_id
        projection.mark(study)
        wanted = study_digest(study, artifacts.file_digests(Path(study.folder)))
        there = projection.is_complete(study, wanted) and artifacts.are_there(
            client, projection.experiment_id, parent, study
        )
        if not there:
            projection.running()
            artifacts.upload_report(client, parent, study)
            log_groups(client, projection.ids, study)
            self._log_model(study)
            self._save_views(projection, study)
            projection.finish(study, wanted)
        if not is_server(self.uri):
            return {}
        tags = client.get_experiment(projection.experiment_id).tags
        return view.links(without_login(self.uri), projection.experiment_id, tags)

    def _write_all(self, study: StudyRecord, runs: Iterable[RunRecord]) -> Projection:
        """Write what is missing of the runs; of those that a server made twice one is left."""
        projection = self._open(study)
        for run in runs:
            projection.run(run)
        if projection.has_made and is_server(self.uri):
            self._projection = None
            projection = self._open(study)
        return projection

    def _save_views(self, projection: Projection, study: StudyRecord) -> None:
        """Keep the views that `cfexp ui` opens; without them its links are plain."""
        try:
            tags = view.view_tags(study, projection.parent_id)
        except Exception as error:  # noqa: BLE001 - an undocumented format, never worth a study
            self._say(f"MLflow's saved view could not be made: {reason(error)}")
            return
        for name, value in tags.items():
            projection.client.set_experiment_tag(projection.experiment_id, name, value)

    def _interrupt(self, study: StudyRecord) -> None:
        known = {run.key: run for run in study.runs} | self._heard
        now = dataclasses.replace(study, runs=tuple(known.values()))
        projection = self._write_all(study, now.runs)
        if projection.parent_status == "RUNNING" or not is_finished(now):
            projection.interrupt(now, now_ms())

    def _release(self) -> None:
        if self._projection is not None:
            settle(self.uri)
        self._projection = None
        self._lock.close()
        self._held = False


def _thread(niceness: int) -> ThreadPoolExecutor:
    # On Linux every thread has a niceness of its own.
    return ThreadPoolExecutor(1, "cfexp-mlflow", os.nice, (niceness,))


def _context() -> dict[str, str]:
    """Return the tags by which MLflow knows who wrote a run, and with what."""
    tags = {"mlflow.source.type": "LOCAL", "mlflow.source.name": "cfexp"}
    with contextlib.suppress(KeyError, OSError, ImportError):  # a container's user may be nameless
        tags["mlflow.user"] = getpass.getuser()
    return tags
