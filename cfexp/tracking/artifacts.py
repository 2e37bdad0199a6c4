"""The files of a study's run: data set inputs, study file, report, the winner's model."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.search.store.record import REPORT_FILES
from cfexp.tracking.names import digest, text
from cfexp.tracking.tables import log_tables

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

    from cfexp.search.store.record import StudyRecord

MODEL_TAG = "cfexp.model_digest"
_CODE = Path(__file__).with_name("pyfunc.py")
_OF_DATA = {"stages", "prepared"}


def file_digests(folder: Path) -> dict[str, str]:
    """Return a hash of every file below `folder` but the data and their note, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths = [path for path in paths if path.relative_to(folder).parts[0] not in _OF_DATA]
    paths = [path for path in paths if path.suffix != ".partial"]  # of a session that was killed
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in paths}


def file_hash(path: Path) -> str:
    """Return the hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def upload_report(client: MlflowClient, run_id: str, study: StudyRecord) -> None:
    """Upload the study file, its origin and the study's `report/`, overwriting.

    What an earlier report had and this one has not is deleted.
    """
    import pandas as pd

    origin = [environment.to_json() for environment in study.environments]
    client.log_dict(run_id, {"environments": origin}, "provenance.json")
    report = study.report_folder
    if not (report / "study.toml").is_file():  # also of a study without one: it is empty then
        client.log_text(run_id, study.text, "study.toml")
    _delete_stale(client, run_id, report)
    if report.is_dir():
        client.log_artifacts(run_id, str(report))
        tables = {path.stem: pd.read_csv(path) for path in sorted(report.glob("*.csv"))}
        log_tables(client, run_id, tables)


def _delete_stale(client: MlflowClient, run_id: str, report: Path) -> None:
    """Delete the files of a report, and their tables, that there are no more."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    known = [name for name in REPORT_FILES if name != "study.toml"]
    gone = [Path(name) for name in known if not (report / name).is_file()]
    paths = {path.name for path in gone} | {f"tables/{path.stem}.json" for path in gone}
    there = {file.path for file in client.list_artifacts(run_id)}
    if "tables" in there:
        there |= {file.path for file in client.list_artifacts(run_id, "tables")}
    if stale := sorted(paths & there):
        location = client.get_run(run_id).info.artifact_uri
        files = get_artifact_repository(location, tracking_uri=client.tracking_uri)
        for path in stale:
            files.delete_artifacts(path)  # type: ignore[no-untyped-call]


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
    return file_hash(study.model_file)


def log_model(client: MlflowClient, experiment_id: str, run_id: str, study: StudyRecord) -> None:
    """Log `model/model.npz` of the study as a pyfunc; nothing when it is there already.

    Models of the run that were left unfinished, or made twice, are deleted.
    """
    from mlflow.entities import LoggedModelOutput

    path = study.model_file
    if not path.is_file():
        return
    mark = model_digest(study)
    ready: str | None = None
    for known in logged_models(client, experiment_id, run_id):
        same = known.tags.get(MODEL_TAG) == mark
        if str(known.status) == "READY" and not same:
            continue  # an earlier winner's
        if str(known.status) == "READY" and ready is None and _holds(client, known, path):
            ready = known.model_id
        else:
            client.delete_logged_model(known.model_id)
    if ready is None:
        ready = _log_pyfunc(client, experiment_id, run_id, path, mark)
    outputs = client.get_run(run_id).outputs
    if ready not in {output.model_id for output in (outputs.model_outputs if outputs else [])}:
        # Of several models of one run, MLflow's runs:/.../model is that of the highest step.
        client.log_outputs(run_id, [LoggedModelOutput(ready, step=len(study.readings))])


def _log_pyfunc(
    client: MlflowClient, experiment_id: str, run_id: str, path: Path, mark: str
) -> str:
    model = client.create_logged_model(
        experiment_id, name="model", source_run_id=run_id, tags={MODEL_TAG: mark}
    )
    with tempfile.TemporaryDirectory() as folder:
        save_pyfunc(Path(folder) / "model", path, model.model_id)
        client.log_model_artifacts(model.model_id, str(Path(folder) / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def logged_models(client: MlflowClient, experiment_id: str, run_id: str) -> list[LoggedModel]:
    """Return the models that a study's run logged, unfinished ones among them."""
    query = f"source_run_id = '{run_id}'"
    return list(client.search_logged_models([experiment_id], query))


def _holds(client: MlflowClient, model: LoggedModel, path: Path) -> bool:
    """Return whether a logged model still has the file that it was made of."""
    files = client.list_logged_model_artifacts(model.model_id, "artifacts")
    return (f"artifacts/{path.name}", path.stat().st_size) in {
        (file.path, file.file_size) for file in files
    }


def are_there(client: MlflowClient, experiment_id: str, run_id: str, study: StudyRecord) -> bool:
    """Return whether the study's run has its files and its model, as far as sizes tell."""
    sizes = {file.path: file.file_size for file in client.list_artifacts(run_id)}
    report = study.report_folder
    wanted = {path.name: path.stat().st_size for path in report.glob("*") if path.is_file()}
    if not wanted.items() <= sizes.items() or not {"study.toml", "provenance.json"} <= sizes.keys():
        return False
    path = study.model_file
    if not path.is_file():
        return True
    models = logged_models(client, experiment_id, run_id)
    own = [model for model in models if model.tags.get(MODEL_TAG) == model_digest(study)]
    ready = [model for model in models if str(model.status) == "READY"]
    return len(ready) == len(models) and len(own) == 1 and _holds(client, own[0], path)


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
