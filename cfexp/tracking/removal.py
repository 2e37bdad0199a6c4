"""`Removal`: a study taken out of MLflow, and its name set free.

Files go first, then logged models, then the experiment with its runs, or the runs alone where
the experiment holds others. MLflow keeps what is deleted, under its name, until `mlflow gc`
clears it away; so the experiment is renamed before. Several homes may have studies of one name
in one MLflow: a study's own run is known by its identity. What a killed process left is found
again by that.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cfexp.errors import InputError, TrackingError
from cfexp.tracking.address import SQLITE, is_missing, is_server, tracking_uri, without_login
from cfexp.tracking.client import open_client
from cfexp.tracking.experiment import all_runs, find_experiment
from cfexp.tracking.lock import projector_lock
from cfexp.tracking.reason import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient
    from mlflow.entities import Experiment, LoggedModel, Run

_PARENT = "mlflow.parentRunId"
_PATIENCE = 60  # seconds: a killed session's projector may still write what it heard


class Removal:
    """What MLflow has of a study: looked up at once, taken out by `remove`.

    `tags` are the study's identity. Without them, the storage having forgotten the study,
    all of its name is taken from the home's own database and nothing from another, where it
    may be another home's: a deletion takes the study out of MLflow before the storage.

    Raises
    ------
    TrackingError
        When MLflow cannot be reached.
    InputError
        When versions of the study's model are registered.
    """

    def __init__(
        self, name: str, home: Path, uri: str | None, tags: Mapping[str, str] | None
    ) -> None:
        self.name = name
        self.uri = tracking_uri(uri, home)
        self.runs: list[Run] = []
        self.models: list[LoggedModel] = []
        self._home = home
        self._experiment: Experiment | None = None
        self._shared = False
        own = self.uri == f"{SQLITE}{home.absolute()}/mlflow.db"
        if (tags or own) and not is_missing(self.uri):
            with _told(self.uri):
                self._client = open_client(self.uri, home)
                self._look(tags)

    def __bool__(self) -> bool:
        return self._experiment is not None

    def __str__(self) -> str:
        """Return in words what there is."""
        models = f", {len(self.models)} logged models" if self.models else ""
        runs = f"{len(self.runs)} runs{models} at {without_login(self.uri)}"
        if self._shared:
            return f"in MLflow's experiment, which holds other runs, {runs}"
        return f"MLflow's experiment with {runs}"

    def _look(self, tags: Mapping[str, str] | None) -> None:
        from mlflow.entities import ViewType

        wanted = tags or {"cfexp.study": self.name, "cfexp.role": "study"}
        found = find_experiment(self._client, self.name, wanted)
        # a deleted one holds its name, unless `remove` gave it another
        if found is None or (found.lifecycle_stage != "active" and found.name != self.name):
            return
        artifacts = (self._home.absolute() / "artifacts").as_uri()
        made_here = (found.artifact_location or "").startswith(f"{artifacts}/")
        if not (tags or made_here):
            return
        ids = [found.experiment_id]
        known = list(all_runs(self._client, ids, {}, ViewType.ALL))
        parents = {run.info.run_id for run in known if wanted.items() <= run.data.tags.items()}
        own = {run.info.run_id for run in known if run.data.tags.get(_PARENT) in parents} | parents
        self.runs = [run for run in known if run.info.run_id in own]
        self.models = [one for one in _models(self._client, ids) if one.source_run_id in own]
        stages = {run.info.lifecycle_stage for run in known if run.info.run_id not in own}
        # in a deleted experiment every run is deleted, and would be restored with it
        self._shared = "active" in stages or bool(stages and found.lifecycle_stage != "active")
        if parents or (made_here and not known):
            self._experiment = found
        self._refuse_registered(parents)

    def _refuse_registered(self, parents: Iterable[str]) -> None:
        versions = [
            f"{version.name} version {version.version}"
            for run_id in parents
            for version in self._client.search_model_versions(f"run_id = '{run_id}'")
        ]
        if versions:
            raise InputError(
                f"the model of study {self.name!r} is registered as {', '.join(versions)}, which "
                "would lose its files; delete what is registered in MLflow first"
            )

    def remove(self) -> None:
        """Take it all out."""
        if self._experiment is None:
            return
        key = self._experiment.experiment_id
        with _told(self.uri), projector_lock(self._home, self.name, _PATIENCE):
            if self._experiment.lifecycle_stage != "active" and not self._shared:
                self._client.restore_experiment(key)
            for run in self.runs:
                self._delete_files(run.info.artifact_uri, run.info.run_id)
            for model in self.models:
                self._delete_files(model.artifact_location, model.model_id)
                self._client.delete_logged_model(model.model_id)
            if self._shared:
                for run in self.runs:
                    self._client.delete_run(run.info.run_id)
                return
            self._client.rename_experiment(key, f"{self.name} (deleted {key})")
            self._client.delete_experiment(key)
            if not is_server(self.uri):
                shutil.rmtree(self._home / "artifacts" / self.name, ignore_errors=True)

    def _delete_files(self, location: str | None, owner: str) -> None:
        """Delete what lies at `location`, if its path says that it is one run's or model's own."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        if location and owner in location:
            files = get_artifact_repository(location, tracking_uri=self.uri)
            files.delete_artifacts()  # type: ignore[no-untyped-call]


def _models(client: MlflowClient, experiments: list[str]) -> Iterator[LoggedModel]:
    token: str | None = None
    while True:
        page = client.search_logged_models(experiments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Say of any failure what to do about it."""
    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise TrackingError(
            f"MLflow at {without_login(uri)} does not let the study go: {reason(error)}; "
            "delete again when it does, or with --no-track, which leaves MLflow as it is"
        ) from error
