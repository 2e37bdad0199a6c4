"""`Removal`: a study taken out of MLflow, and its name set free.

Files go first, then logged models, then the experiment with its runs. MLflow keeps what is
deleted, under its name, until `mlflow gc` clears it away; so the experiment is renamed before.
What a killed process left is found again by the experiment's tag.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.errors import InputError, TrackingError
from cfexp.tracking.address import SQLITE, is_server, tracking_uri, without_login
from cfexp.tracking.client import open_client
from cfexp.tracking.experiment import all_runs
from cfexp.tracking.lock import projector_lock
from cfexp.tracking.reason import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Experiment, LoggedModel, Run

_PATIENCE = 60  # seconds: a killed session's projector may still write what it heard


class Removal:
    """What MLflow has of a study: looked up at once, taken out by `remove`.

    Raises
    ------
    TrackingError
        When MLflow cannot be reached.
    InputError
        When something else depends on it: registered versions of the study's model, or
        runs in its experiment that are not the study's.
    """

    def __init__(self, name: str, home: Path, uri: str | None) -> None:
        self.name = name
        self.uri = tracking_uri(uri, home)
        self.runs: list[Run] = []
        self.models: list[LoggedModel] = []
        self._home = home
        self._experiments: list[Experiment] = []
        if is_server(self.uri) or not self._is_missing():
            with _told(self.uri):
                self._client = open_client(self.uri, home)
                self._look()

    def _is_missing(self) -> bool:
        return self.uri.startswith(SQLITE) and not Path(self.uri.removeprefix(SQLITE)).exists()

    def __bool__(self) -> bool:
        return bool(self._experiments)

    def __str__(self) -> str:
        """Return in words what there is."""
        models = f", {len(self.models)} logged models" if self.models else ""
        return (
            f"MLflow's experiment with {len(self.runs)} runs{models} at {without_login(self.uri)}"
        )

    def _look(self) -> None:
        from mlflow.entities import ViewType

        tagged = self._client.search_experiments(
            ViewType.ALL, filter_string=f"tags.`cfexp.study` = '{self.name}'"
        )
        named = self._client.get_experiment_by_name(self.name)
        found = {one.experiment_id: one for one in [*tagged, *([named] if named else [])]}
        # a deleted one holds its name, unless `remove` gave it another
        self._experiments = [
            one
            for one in found.values()
            if one.lifecycle_stage == "active" or one.name == self.name
        ]
        ids = [one.experiment_id for one in self._experiments]
        if ids:
            known = list(all_runs(self._client, ids, {}, ViewType.ALL))
            self.runs = [run for run in known if run.data.tags.get("cfexp.study") == self.name]
            self.models = list(_models(self._client, ids))
            self._refuse_others([run for run in known if run not in self.runs])

    def _refuse_others(self, others: list[Run]) -> None:
        others = [run for run in others if run.info.lifecycle_stage == "active"]
        if others:
            raise InputError(
                f"MLflow's experiment {self.name!r} holds {len(others)} runs that are not of the "
                f"study, such as {others[0].info.run_name!r}; move or delete them first"
            )
        versions = [
            f"{version.name} version {version.version}"
            for run in self.runs
            if run.data.tags.get("cfexp.role") == "study"
            for version in self._client.search_model_versions(f"run_id = '{run.info.run_id}'")
        ]
        if versions:
            raise InputError(
                f"the model of study {self.name!r} is registered as {', '.join(versions)}, which "
                "would lose its files; delete what is registered in MLflow first"
            )

    def remove(self) -> None:
        """Take it all out."""
        if not self:
            return
        with _told(self.uri), projector_lock(self._home, self.name, _PATIENCE):
            for experiment in self._experiments:
                if experiment.lifecycle_stage != "active":
                    self._client.restore_experiment(experiment.experiment_id)
            for run in self.runs:
                self._delete_files(run.info.artifact_uri, run.info.run_id)
            for model in self.models:
                self._delete_files(model.artifact_location, model.model_id)
                self._client.delete_logged_model(model.model_id)
            for experiment in self._experiments:
                key = experiment.experiment_id
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
