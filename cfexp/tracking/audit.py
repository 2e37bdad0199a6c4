"""An audit of a study in MLflow, row by row against its records, that writes nothing."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.search.audit import Check
from cfexp.search.store.standing import is_finished
from cfexp.tracking.address import is_missing, tracking_uri
from cfexp.tracking.artifacts import MODEL_TAG, file_hash, logged_models, model_digest
from cfexp.tracking.client import open_client
from cfexp.tracking.download import download_model
from cfexp.tracking.experiment import all_runs, find_experiment
from cfexp.tracking.lock import projector_lock
from cfexp.tracking.names import STATUS, Entry, run_entry
from cfexp.tracking.reason import told
from cfexp.tracking.summary import identity, marks, study_entry, study_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from cfexp.search.store.record import RunRecord, StudyRecord

_PATIENCE = 60  # seconds: a killed session's projector may still write


def audit_mlflow(study: StudyRecord, home: Path, uri: str | None = None) -> list[Check]:
    """Hold every run, file and model that MLflow has of a study against what was found.

    Raises
    ------
    TrackingError
        When MLflow cannot be reached, or another process is writing the study to it.
    """
    where = tracking_uri(uri, home)
    if is_missing(where):
        return [_study("its run", "is missing: MLflow has no database yet")]
    with told("MLflow cannot be read"), projector_lock(home, study.name, _PATIENCE):
        client = open_client(where, home)
        found = find_experiment(client, study.name, identity(study))
        if found is None or found.lifecycle_stage == "deleted":
            words = "does not exist" if found is None else "was deleted"
            return [_study("its run", f"is missing: experiment {study.name!r} {words}")]
        with closing(_Audit(client, str(found.experiment_id), study)) as audit:
            return [*audit.runs(), *audit.of_study(home, where)]


def _study(name: str, problem: str = "") -> Check:
    return Check("study", "MLflow", name, problem, "sync" if problem else "")


class _Audit:
    def __init__(self, client: MlflowClient, experiment_id: str, study: StudyRecord) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._study = study
        self._folder = tempfile.TemporaryDirectory()
        parents = self._search(identity(study))
        self._parent = parents[0] if parents else None
        self._surplus = parents[1:]
        self._children: dict[str, list[Run]] = {}
        for parent in parents:
            for run in self._search({"mlflow.parentRunId": parent.info.run_id}):
                key = run.data.tags.get("cfexp.key", f"run {run.info.run_id}")
                self._children.setdefault(key, []).append(run)

    def close(self) -> None:
        self._folder.cleanup()

    def _search(self, tags: dict[str, str]) -> list[Run]:
        return list(all_runs(self._client, [self._experiment_id], tags))

    def runs(self) -> Iterator[Check]:
        """Look at the run of every trial, baseline and final, and for runs of nothing."""
        marked = marks(self._study)
        records = {run.key: run for run in self._study.runs}
        for key, record in records.items():
            runs = self._children.get(key, [])
            wrong = "has no run"
            if runs:
                wrong = self._differs(runs[0], record, marked.get(key, {}))
            if len(runs) > 1:
                wrong = f"has {len(runs)} runs"
            yield Check(record.role, "MLflow", key, wrong, "sync" if wrong else "")
        roles = {"trial": "trial", "baseline": "baseline", "final": "final"}
        for key, runs in self._children.items():
            stale = key.startswith("baseline/")  # of an earlier edition of the study file
            if key not in records and not stale:
                kind = roles.get(key.partition("/")[0], "study")
                yield Check(kind, "MLflow", key, "is a run of nothing that the store knows")  # type: ignore[arg-type]
            for run in runs:
                if run.info.status == "RUNNING" and key not in records:
                    yield _study(key, "is left running")

    def _differs(self, run: Run, record: RunRecord, tags: dict[str, str]) -> str:
        """Return in what a run differs from its record: state, times, values, curve, tags."""
        entry = run_entry(record)
        status = STATUS[record.state]
        if run.info.status != status:
            return f"is {run.info.status}, not {status}"
        if (run.info.start_time, run.info.end_time) != (record.started, record.ended):
            return "has other times"
        if run.data.params != entry.params:
            return "has other parameters"
        wanted = {name: value for name, value in (entry.tags | tags).items() if value}
        for name, value in wanted.items():
            if run.data.tags.get(name) != value and name != "mlflow.note.content":
                return f"has {name} = {run.data.tags.get(name)!r}, not {value!r}"
        return self._values_differ(run, entry)

    def _values_differ(self, run: Run, entry: Entry) -> str:
        """Return which metric has another last value, or lacks points of its curve."""
        for name, wanted in entry.points().items():
            last = max(wanted)[-1]
            if run.data.metrics.get(name) != last:
                return f"has {name} = {run.data.metrics.get(name)}, not {last}"
            if len(wanted) > 1:
                history = self._client.get_metric_history(run.info.run_id, name)
                known = {(point.step, point.timestamp, point.value) for point in history}
                if not wanted <= known:
                    return f"has {len(wanted & known)} of {len(wanted)} points of {name}"
        return ""

    def of_study(self, home: Path, where: str) -> Iterator[Check]:
        """Look at the study's own run, its files and the winner's model."""
        if self._parent is None:
            yield _study("its run", "is missing")
            return
        wanted = study_status(self._study)
        status = self._parent.info.status
        wrong = f"is {status}, not {wanted}" if status != wanted else ""
        entry = study_entry(self._study)
        wrong = wrong or self._values_differ(self._parent, entry)
        yield _study("its run", wrong)
        for run in self._surplus:
            yield _study(f"run {run.info.run_id}", "is made twice")
        if is_finished(self._study):
            yield from self._files(self._parent.info.run_id)
            yield from self._model(self._parent.info.run_id, home, where)

    def _files(self, run_id: str) -> Iterator[Check]:
        report = self._study.report_folder
        there = {file.path for file in self._client.list_artifacts(run_id)}
        there |= {file.path for file in self._client.list_artifacts(run_id, "tables")}
        for path in sorted(path for path in report.glob("*") if path.is_file()):
            if path.name not in there:
                wrong = "is missing"
            else:
                got = self._client.download_artifacts(run_id, path.name, self._folder.name)
                wrong = "" if file_hash(Path(got)) == file_hash(path) else "is another file"
            yield _study(path.name, wrong)
            if path.suffix == ".csv":
                table = f"tables/{path.stem}.json"
                yield _study(table, "" if table in there else "is missing")
        yield _study("provenance.json", "" if "provenance.json" in there else "is missing")

    def _model(self, run_id: str, home: Path, where: str) -> Iterator[Check]:
        if not self._study.model_file.is_file():
            return
        mark = model_digest(self._study)
        models = logged_models(self._client, self._experiment_id, run_id)
        ready = [model for model in models if str(model.status) == "READY"]
        own = [model for model in ready if model.tags.get(MODEL_TAG) == mark]
        outputs = (
            self._parent.outputs.model_outputs if self._parent and self._parent.outputs else []
        )
        wrong = ""
        if len(ready) < len(models):
            wrong = f"{len(models) - len(ready)} were left unfinished"
        elif len(own) != 1:
            wrong = f"is there {len(own)} times"
        elif own[0].model_id not in {output.model_id for output in outputs}:
            wrong = "is not among the outputs of the study's run"
        else:
            folder = Path(self._folder.name, "model")
            folder.mkdir()
            uri = f"models:/{own[0].model_id}"
            got = download_model(uri, folder, home=home, store=where)
            wrong = "" if file_hash(got) == mark else "is another model than the winner's"
        yield _study("the model", wrong)
