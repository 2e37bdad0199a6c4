from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cfexp.data.interactions import Vocabulary
from cfexp.models.popularity import Popularity
from cfexp.tracking.client import open_client
from cfexp.tracking.mlflow import MlflowTracker

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

    from cfexp.search.record import StudyRecord

# Item b is liked by three, a by two, c by one; user 10 likes b, 20 a and b.
LIKES = np.array([[0, 1, 0], [1, 1, 0], [1, 1, 1]])


def fail(message: str) -> None:
    raise AssertionError(message)


@pytest.fixture
def logged(home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> PyFuncModel:
    path = Path(study.folder) / "model" / "model.npz"
    path.parent.mkdir()
    users = Vocabulary(np.array([10, 20, 30]))
    items = Vocabulary(np.array(["a", "b", "c"], dtype=object))
    titles = np.array(["Alien", "Brazil", "Casablanca"], dtype=object)
    Popularity().fit(LIKES).save(path, users=users, items=items, titles=titles)
    for _ in range(2):
        MlflowTracker(None, home, say=fail).complete(study)
    import mlflow.pyfunc

    client = open_client(f"sqlite:///{home}/mlflow.db", home)
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    models = client.search_logged_models([experiment.experiment_id])
    assert len(models) == 1
    files = {path.suffix for path in (home / "artifacts").rglob("*") if path.is_file()}
    assert not files & {".pkl", ".pickle", ".joblib"}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    return mlflow.pyfunc.load_model(f"runs:/{models[0].source_run_id}/model")


def test_recommends_by_original_ids(logged: PyFuncModel) -> None:
    lists = logged.predict(pd.DataFrame({"user": [20, 999, 10], "k": [2, 2, 2]}))
    assert lists[["user", "rank", "item", "title"]].to_numpy().tolist() == [
        [20, 1, "c", "Casablanca"],
        [10, 1, "a", "Alien"],
        [10, 2, "c", "Casablanca"],
    ]


def test_users_without_a_list_give_an_empty_frame(logged: PyFuncModel) -> None:
    lists = logged.predict(pd.DataFrame({"user": [999]}))
    assert lists.columns.tolist() == ["user", "rank", "item", "title", "score"]
    assert len(lists) == 0


def test_the_model_states_what_it_needs(logged: PyFuncModel) -> None:
    signature = logged.metadata.signature
    assert signature is not None
    assert signature.inputs.input_names() == ["user", "k"]
    assert signature.inputs.required_input_names() == ["user"]
