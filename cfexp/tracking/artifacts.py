"""The files of a study's run: data set inputs, study file, report, the winner's model."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.tracking.names import digest, text
from cfexp.tracking.tables import log_tables

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from cfexp.search.record import StudyRecord

MODEL_TAG = "cfexp.model_digest"
_CODE = Path(__file__).with_name("pyfunc.py")


def file_digests(folder: Path) -> dict[str, str]:
    """Return a hash of every file below `folder`, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths = [path for path in paths if path.suffix != ".partial"]  # of a session that was killed
    return {path.relative_to(folder).as_posix(): _hash(path) for path in paths}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def upload_report(client: MlflowClient, run_id: str, study: StudyRecord) -> None:
    """Upload the study file, its origin and the study's `report/`, overwriting."""
    import pandas as pd

    client.log_text(run_id, study.text, "study.toml")
    origin = [environment.to_json() for environment in study.environments]
    client.log_dict(run_id, {"environments": origin}, "provenance.json")
    report = Path(study.folder) / "report"
    if report.is_dir():
        client.log_artifacts(run_id, str(report))
        tables = {path.stem: pd.read_csv(path) for path in sorted(report.glob("*.csv"))}
        log_tables(client, run_id, tables)


def log_dataset(client: MlflowClient, run_id: str, study: StudyRecord) -> None:
    """Name the data set as a run's input: what it is and where from, not its rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = study.spec.get("data", {})
    facts = {name: value for name, value in study.data.items() if isinstance(value, int | str)}
    dataset = Dataset(
        name=study.data_name,
        digest=str(study.data.get("fingerprint") or digest(facts))[:16],
        source_type="code",
        source=json.dumps({"tags": {"data": text(source)}}),
        schema=None,
        profile=json.dumps(facts | {"split": study.split}, default=str)[:16_000],
    )
    tags = [InputTag("mlflow.data.context", "training")]
    client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags)])


def model_digest(study: StudyRecord) -> str:
    """Return the hash by which the study's model is known in MLflow."""
    return _hash(_model_file(study))


def _model_file(study: StudyRecord) -> Path:
    return Path(study.folder) / "model" / "model.npz"


def log_model(client: MlflowClient, experiment_id: str, run_id: str, study: StudyRecord) -> None:
    """Log `model/model.npz` of the study as a pyfunc; nothing when it is there already."""
    from mlflow.entities import LoggedModelOutput

    path = _model_file(study)
    if not path.is_file():
        return
    mark = model_digest(study)
    if client.get_run(run_id).data.tags.get(MODEL_TAG) == mark:
        return
    model = client.create_logged_model(
        experiment_id, name="model", source_run_id=run_id, tags={MODEL_TAG: mark}
    )
    with tempfile.TemporaryDirectory() as folder:
        save_pyfunc(Path(folder) / "model", path, model.model_id)
        client.log_model_artifacts(model.model_id, str(Path(folder) / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    # Of several models of one run, MLflow's runs:/.../model is that of the highest step.
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=len(study.readings))])
    client.set_tag(run_id, MODEL_TAG, mark)


def save_pyfunc(folder: Path, model: Path, model_id: str | None = None) -> None:
    """Write an MLflow model that needs no pickle: our .npz file and a file of code."""
    from cfexp.tracking.interface import interface, requirements

    example, signature = interface(model)
    with warnings.catch_warnings():
        # MLflow and pandas warn each other here, about nothing that a user wrote.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        from mlflow.models import Model

        mlflow.pyfunc.save_model(
            folder,
            python_model=str(_CODE),
            artifacts={"model": model.absolute().as_uri()},
            signature=signature,
            input_example=example,
            pip_requirements=requirements(),
            mlflow_model=Model(model_id=model_id),
        )
