"""A study from its file to MLflow and back, as `cfexp run` does it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers import TRACKED, spec_of
from mlflow import MlflowClient
from mlflow.entities import Run

from cfexp import load, run_study
from cfexp.errors import StudyConflictError
from cfexp.search.observer import Observer
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.record import RunRecord, StudyRecord
from cfexp.search.store.study_lock import study_lock
from cfexp.studies import sync

TEXT = (
    TRACKED.replace('name = "shown"', 'name = "whole"')
    .replace('["recall@10"]', '["recall@10", "coverage@10"]')
    .replace("configurations = 1", "configurations = 2")
    + '[[baselines]]\nmodel = { kind = "item_knn" }\n'
)


@pytest.fixture(scope="module")
def spec() -> StudySpec:
    return spec_of(TEXT)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def study(spec: StudySpec, home: Path) -> StudyRecord:
    notes = Notes()
    done = run_study(spec, home=home, observer=notes)
    assert notes.texts == []
    return done


class Notes(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        if "ompil" not in text:  # the first compilation on a machine is announced
            self.texts.append(text)


def client_of(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home.absolute()}/mlflow.db")


def runs_of(home: Path, name: str = "whole") -> dict[str, Run]:
    client = client_of(home)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    keyed = {run.data.tags.get("cfexp.key", "study"): run for run in found}
    assert len(keyed) == len(found), "no run twice"
    return keyed


def compare(study: StudyRecord, runs: dict[str, Run]) -> None:
    """Hold every record of the store against its run in MLflow."""
    assert set(runs) == {"study", *(record.key for record in study.runs)}
    status = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
    for record in study.runs:
        run = runs[record.key]
        assert run.info.status == status[record.state]
        assert run.data.tags["cfexp.role"] == record.role
        assert run.data.tags["mlflow.parentRunId"] == runs["study"].info.run_id
        for name, value in record.metrics.items():
            assert run.data.metrics[name.replace("@", "_at_")] == value
        for field in ("factors", "alpha", "regularization"):
            if field in record.model:
                assert float(run.data.params[field]) == record.model[field]
        tags = {name.removeprefix("cfexp."): words for name, words in run.data.tags.items()}
        assert record.facts.items() <= tags.items()


def test_every_run_is_in_mlflow(study: StudyRecord, home: Path) -> None:
    runs = runs_of(home)
    compare(study, runs)
    assert runs["study"].info.status == "FINISHED"
    roles = Counter(record.role for record in study.runs)
    assert roles == {"baseline": 4, "trial": 6, "final": 4}


def test_every_als_says_which_solver_auto_chose(study: StudyRecord, home: Path) -> None:
    runs = runs_of(home)
    for record in study.runs:
        assert ("solver_used" in record.facts) == (record.model["kind"] == "als")
        if record.model["kind"] == "als":
            light = record.model["alpha"] <= 10  # values are ones
            words = f"cg, {2 if light else 3} steps (1 in epoch 1)"
            assert record.facts == {"solver_used": words}
            assert runs[record.key].data.tags["cfexp.solver_used"] == words
    board = json.loads((Path(study.folder) / "report" / "leaderboard.json").read_text())
    told = {row["model"]: row["facts"] for row in board["rows"]}
    assert told["als default"] == {"solver_used": "cg, 2 steps (1 in epoch 1)"}
    assert told["popularity"] == {}


def test_every_epoch_of_every_trial_is_a_step(study: StudyRecord, home: Path) -> None:
    client, runs = client_of(home), runs_of(home)
    for record in study.of_role("trial"):
        run_id = runs[record.key].info.run_id
        history = client.get_metric_history(run_id, "val/ndcg_at_10")
        values = {(point.step, point.value) for point in history}
        assert {(point.epoch, point.metrics["val/ndcg@10"]) for point in record.curve} <= values
        losses = client.get_metric_history(run_id, "train/loss")
        assert len({point.step for point in losses}) == len(record.curve)


def test_the_study_s_run_has_its_files(study: StudyRecord, home: Path) -> None:
    client, run = client_of(home), runs_of(home)["study"]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    expected = {"study.toml", "leaderboard.csv", "buckets.csv", "report.html"}
    assert expected | {"per_user.parquet"} <= files
    assert len(study.readings) == 1
    path = client.download_artifacts(run.info.run_id, "study.toml")
    assert Path(path).read_text() == TEXT


# MLflow warns of its own types when its models are first imported.
@pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")
@pytest.mark.usefixtures("study")
def test_the_model_is_logged_and_recommends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.pyfunc
    import pandas as pd

    saved = load(home / "studies" / "whole" / "model" / "model.npz")
    run_id = runs_of(home)["study"].info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home.absolute()}/mlflow.db")
    model = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
    assert saved.users is not None
    users = list(saved.users.ids[:3])
    answer = model.predict(pd.DataFrame({"user": users, "k": [5, 5, 5]}))
    own = saved.recommend(users, 5)
    assert answer["item"].tolist() == own["item"].tolist()
    np.testing.assert_allclose(answer["score"], own["score"], rtol=1e-6)
    assert not list((home / "artifacts").rglob("*.pkl"))


@pytest.mark.usefixtures("study")
def test_a_study_that_is_being_run_is_not_synced(home: Path) -> None:
    with study_lock(home, "whole"), pytest.raises(StudyConflictError, match="being run; sync it"):
        sync(home, "whole")


def test_syncing_again_changes_nothing(home: Path) -> None:
    before = {key: run.to_dictionary() for key, run in runs_of(home).items()}
    sync(home, "whole")
    assert {key: run.to_dictionary() for key, run in runs_of(home).items()} == before


class Interrupt(Observer):
    def finished(self, run: RunRecord) -> None:
        if run.key == "trial/2":
            raise KeyboardInterrupt


def test_interrupted_and_resumed_leaves_no_run_running_or_doubled(
    spec: StudySpec, study: StudyRecord, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_study(spec, home=tmp_path, observer=Interrupt())
    runs = runs_of(tmp_path)
    assert {run.info.status for run in runs.values()} <= {"FINISHED", "KILLED"}
    assert runs["study"].info.status == "KILLED"
    resumed = run_study(spec, home=tmp_path)
    compare(resumed, runs_of(tmp_path))
    assert [run.metrics for run in resumed.runs] == [run.metrics for run in study.runs]
    more = run_study(spec, home=tmp_path, trials=9)
    compare(more, runs_of(tmp_path))
    assert len(more.of_role("trial")) == 9
    assert [reading.generation for reading in more.readings] == [1, 2]


def test_a_dead_server_costs_no_trial_and_sync_completes(spec: StudySpec, tmp_path: Path) -> None:
    notes = Notes()
    study = run_study(spec, home=tmp_path, tracking_uri="http://127.0.0.1:9", observer=notes)
    assert len(study.of_role("trial")) == 6
    assert len(notes.texts) >= 1
    assert "cfexp sync whole" in notes.texts[0]
    compare(sync(tmp_path, "whole"), runs_of(tmp_path))
