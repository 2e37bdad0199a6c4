"""What `cfexp delete` takes out of an MLflow that several homes share."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from mlflow import MlflowClient

from cfexp.search.store.record import StudyRecord
from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.removal import Removal
from cfexp.tracking.summary import identity


def projected(uri: str, home: Path, study: StudyRecord) -> None:
    assert MlflowTracker(uri, home, pytest.fail).complete(study) is not None


def created(uri: str) -> dict[str, int]:
    """How many runs there are of each study, by when that was created."""
    client = MlflowClient(uri)
    found = client.search_experiments()
    runs = client.search_runs([one.experiment_id for one in found], max_results=1000)
    parents = [run for run in runs if run.data.tags.get("cfexp.role") == "study"]
    return {
        parent.data.tags["cfexp.created"]: sum(
            run.data.tags.get("mlflow.parentRunId") == parent.info.run_id for run in runs
        )
        for parent in parents
    }


@pytest.fixture
def uri(home: Path) -> str:
    return f"sqlite:///{home}/mlflow.db"


def test_another_home_s_study_of_the_name_is_kept(
    home: Path, uri: str, study: StudyRecord, tmp_path: Path
) -> None:
    other = dataclasses.replace(study, created=study.created + 5)
    elsewhere = tmp_path / "elsewhere"
    projected(uri, home, study)
    projected(uri, elsewhere, other)
    removal = Removal(study.name, elsewhere, uri, identity(other))
    assert len(removal.runs) == 1 + len(other.runs)
    assert "which holds other runs" in str(removal)
    removal.remove()
    left = {str(study.created): len(study.runs)}
    assert created(uri) == left
    projected(uri, home, study)
    assert created(uri) == left
    assert {path.name for path in home.rglob("leaderboard.csv")} == {"leaderboard.csv"}
    last = Removal(study.name, home, uri, identity(study))
    assert len(last.runs) == 1 + len(study.runs)


def test_a_study_that_the_storage_forgot_is_taken_from_the_home_s_own_database_alone(
    home: Path, uri: str, study: StudyRecord, tmp_path: Path
) -> None:
    projected(uri, home, study)
    assert not Removal(study.name, tmp_path / "elsewhere", uri, None)
    own = Removal(study.name, home, uri, None)
    assert len(own.runs) == 1 + len(study.runs)
    own.remove()
    assert created(uri) == {}
    assert not Removal(study.name, home, uri, identity(study))


def test_a_renamed_experiment_is_deleted_too(home: Path, uri: str, study: StudyRecord) -> None:
    projected(uri, home, study)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    client.rename_experiment(experiment.experiment_id, "nicer")
    client.create_experiment(study.name)
    Removal(study.name, home, uri, identity(study)).remove()
    assert created(uri) == {}
    assert client.get_experiment_by_name(study.name) is not None


def test_runs_of_other_origin_stay(home: Path, uri: str, study: StudyRecord) -> None:
    projected(uri, home, study)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    mine = client.create_run(experiment.experiment_id, run_name="my own")
    Removal(study.name, home, uri, identity(study)).remove()
    (left,) = client.search_runs([experiment.experiment_id])
    assert left.info.run_id == mine.info.run_id
