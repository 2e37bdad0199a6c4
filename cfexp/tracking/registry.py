"""MLflow's model registry: versions of one name, and the alias of the champion."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.errors import InputError, TrackingError
from cfexp.metrics.evaluation import Evaluation
from cfexp.tracking.address import tracking_uri
from cfexp.tracking.artifacts import MODEL_TAG, model_digest
from cfexp.tracking.client import open_client
from cfexp.tracking.experiment import find_experiment
from cfexp.tracking.lock import lock_of
from cfexp.tracking.summary import identity

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

    from cfexp.search.store.record import StudyRecord

CHAMPION = "champion"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,249}")
_FOLDER = "registered"  # of the study's run: the per-user metrics of its registered models
_LOCK_SECONDS = 60


@dataclass(frozen=True, eq=False)
class Registered:
    """A version, and what it remembers of how it was measured.

    `label` names the run (`ml1m:als #18`); `name`, `fingerprint`, `spec` and `data` are
    the study's, as far as they say what was measured, empty where cfexp did not register
    it; `evaluation` holds its values per user on test, None where they are gone.
    """

    number: str
    label: str
    name: str
    fingerprint: str
    spec: dict[str, Any]
    data: dict[str, Any]
    evaluation: Evaluation | None


def check_name(name: str) -> None:
    """Refuse a name that no registered model can have."""
    if not _NAME.fullmatch(name):
        raise InputError(
            "the name of a registered model starts with a letter or digit and holds letters, "
            f"digits, spaces, '_', '.' and '-', not {name!r}"
        )


class Registry:
    """The versions of one registered model.

    Parameters
    ----------
    name
        The registered model's.
    home, uri
        As for `MlflowTracker`.
    """

    def __init__(self, name: str, home: Path, uri: str | None = None) -> None:
        check_name(name)
        self.name = name
        self._client = open_client(tracking_uri(uri, home), home)
        self.lock = lock_of(home, f"registry-{name}", _LOCK_SECONDS)
        """To be held while a version is made and the champion decided."""

    def champion(self) -> Registered | None:
        """Return the version that the alias names, if there is one."""
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if CHAMPION not in aliases:
            return None
        version = self._client.get_model_version(self.name, str(aliases[CHAMPION]))
        study = json.loads(version.tags.get("cfexp.measured_on", "{}"))
        return Registered(
            number=str(version.version),
            label=version.tags.get("cfexp.label", "a model of another origin"),
            name=study.get("name", ""),
            fingerprint=study.get("fingerprint", ""),
            spec=study.get("spec", {}),
            data=study.get("data", {}),
            evaluation=self._evaluation(version),
        )

    def add(self, study: StudyRecord, label: str, evaluation: Evaluation) -> tuple[str, bool]:
        """Return the version of the study's model, and whether it is new.

        The model is in MLflow already; registered twice, it stays one version. Its values
        per user on test are kept beside it.
        """
        mark = model_digest(study)
        versions = self._client.search_model_versions(f"name = '{self.name}'")
        for version in versions:
            if version.tags.get(MODEL_TAG) == mark:
                return str(version.version), False
        model = self._logged(study, mark)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{mark}.npz"
            evaluation.save(path)
            self._client.log_artifact(model.source_run_id, str(path), _FOLDER)
        self._create()
        measured = {
            "name": study.name,
            "fingerprint": study.fingerprint,
            "spec": {part: study.spec.get(part) for part in ("data", "split", "feedback")},
            "data": {fact: study.data.get(fact) for fact in ("rows", "users", "items")},
        }
        made = self._client.create_model_version(
            self.name,
            model.artifact_location,
            model.source_run_id,
            tags={
                MODEL_TAG: mark,
                "cfexp.study": study.name,
                "cfexp.label": label,
                "cfexp.measured_on": json.dumps(measured),
            },
            model_id=model.model_id,
        )
        return str(made.version), True

    def settle(self, number: str, about: str, *, moves: bool, words: str) -> None:
        """Keep what a version is, and a decision's words; give it the alias or not."""
        self._client.set_model_version_tag(self.name, number, "cfexp.decision", words)
        self._client.update_model_version(self.name, number, description=f"{about}\n\n{words}")
        if moves:
            self._client.set_registered_model_alias(self.name, CHAMPION, number)

    def _logged(self, study: StudyRecord, mark: str) -> LoggedModel:
        experiment = find_experiment(self._client, study.name, identity(study))
        known = self._client.search_logged_models([experiment.experiment_id]) if experiment else []
        for model in known:
            if model.tags.get(MODEL_TAG) == mark and str(model.status) == "READY":
                return model
        raise TrackingError(
            f"MLflow does not have the model of study {study.name!r}; "
            "the same command again writes it"
        )

    def _create(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _evaluation(self, version: ModelVersion) -> Evaluation | None:
        from mlflow.exceptions import MlflowException

        name = f"{_FOLDER}/{version.tags.get(MODEL_TAG)}.npz"
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self._client.download_artifacts(version.run_id or "", name, folder)
                return Evaluation.load(Path(path))
            except (MlflowException, OSError):
                return None
