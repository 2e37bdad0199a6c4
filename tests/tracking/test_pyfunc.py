"""The logged model in this process, and every form of request that a server takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from cfexp.data.feedback import Feedback
from cfexp.data.vocabulary import Vocabulary
from cfexp.models.als import ALS
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.nmf import NMF
from cfexp.models.popularity import Popularity
from cfexp.models.random import Random
from cfexp.models.repeat_last import RepeatLast
from cfexp.models.saved import load
from cfexp.models.svd import PureSVD
from cfexp.tracking.artifacts import save_pyfunc
from cfexp.tracking.client import open_client
from cfexp.tracking.mlflow import MlflowTracker

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

    from cfexp.models.model import Model
    from cfexp.search.store.record import StudyRecord

# Item b is liked by three, a by two, c by one; user 10 likes b, 20 a and b.
LIKES = np.array([[0, 1, 0], [1, 1, 0], [1, 1, 1]])
TITLES = np.array(["Alien", "Brazil", "Casablanca"], dtype=object)
COLUMNS = ["user", "rank", "item", "title", "score"]


def fail(message: str) -> None:
    raise AssertionError(message)


def saved_as(model: Model, path: Path, *, names: bool = False) -> None:
    """Write a model of three users, who have numbers or, with `names`, names."""
    users = Vocabulary(np.array(["ann", "bob", "eve"], object) if names else np.array([10, 20, 30]))
    items = Vocabulary(np.array(["a", "b", "c"], dtype=object))
    model.fit(LIKES, 0).save(path, users=users, items=items, titles=TITLES, feedback=Feedback())


def pyfunc(folder: Path) -> PyFuncModel:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder))


@pytest.fixture
def logged(home: Path, study: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> PyFuncModel:
    path = Path(study.folder) / "model" / "model.npz"
    path.parent.mkdir()
    saved_as(Popularity(), path)
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


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PyFuncModel]:
    """The popularity model for users with numbers, and for users with names."""
    found = {}
    for kind in ("numbers", "names"):
        folder = tmp_path_factory.mktemp(kind)
        saved_as(Popularity(), folder / "model.npz", names=kind == "names")
        save_pyfunc(folder / "model", folder / "model.npz")
        found[kind] = pyfunc(folder / "model")
    return found


def items(answer: pd.DataFrame) -> list[tuple[Any, str]]:
    return list(zip(answer["user"], answer["item"], strict=True))


def test_recommends_by_original_ids(logged: PyFuncModel) -> None:
    lists = logged.predict(pd.DataFrame({"user": [20, 10], "k": [2, 2]}))
    assert lists.columns.tolist() == COLUMNS
    assert lists[COLUMNS[:4]].to_numpy().tolist() == [
        [20, 1, "c", "Casablanca"],
        [10, 1, "a", "Alien"],
        [10, 2, "c", "Casablanca"],
    ]


def test_the_model_states_what_it_takes_gives_and_needs(logged: PyFuncModel) -> None:
    signature = logged.metadata.signature
    assert signature is not None
    names = ["user", "history", "values", "times", "k", "filter_seen"]
    assert signature.inputs.input_names() == names
    assert signature.inputs.required_input_names() == []
    assert signature.outputs.input_names() == COLUMNS
    assert {param.name: param.default for param in signature.params} == {
        "k": 10,
        "filter_seen": None,
    }
    # the example is of both kinds of row, and works
    answer = logged.predict(logged.input_example)
    assert {type(user) for user in answer["user"]} == {int, type(None)}
    needed = {line.split("==")[0] for line in requirements_of(logged)}
    assert {"cfexp", "mlflow", "numba", "pyarrow"} <= needed


def requirements_of(model: PyFuncModel) -> list[str]:
    import mlflow.pyfunc

    return (
        Path(mlflow.pyfunc.get_model_dependencies(model.model_id and f"models:/{model.model_id}"))
        .read_text()
        .splitlines()
    )


@pytest.mark.parametrize(
    ("kind", "known", "unknown"), [("numbers", 10, 99), ("names", "ann", "zoe")]
)
def test_unknown_users_need_a_history(
    kind: str, known: int | str, unknown: int | str, models: dict[str, PyFuncModel]
) -> None:
    with pytest.raises(MlflowException, match=f"1 of 2 users are not .*: {unknown!r}.* history"):
        models[kind].predict(pd.DataFrame({"user": [known, unknown]}))
    rows = [{"user": known}, {"user": unknown, "history": ["c"]}, {"history": ["b", "a"]}]
    answer = models[kind].predict(pd.DataFrame(rows))
    assert items(answer) == [
        (known, "a"),
        (known, "c"),
        (unknown, "b"),
        (unknown, "a"),
        (None, "c"),
    ]
    assert answer["rank"].tolist() == [1, 2, 1, 2, 1]


def test_a_known_user_may_have_a_newer_history(models: dict[str, PyFuncModel]) -> None:
    rows = [{"user": 20}, {"user": 20, "history": ["c"]}]
    assert items(models["numbers"].predict(pd.DataFrame(rows))) == [(20, "c"), (20, "b"), (20, "a")]


def test_k_and_filter_seen_of_a_row_beat_those_of_the_request(
    models: dict[str, PyFuncModel],
) -> None:
    frame = pd.DataFrame(
        {"user": [10, 10, 20], "k": [None, 1, None], "filter_seen": [None, True, None]}
    )
    answer = models["numbers"].predict(frame, params={"k": 2, "filter_seen": False})
    assert items(answer) == [(10, "b"), (10, "a"), (10, "a"), (20, "b"), (20, "a")]
    many = models["numbers"].predict(pd.DataFrame({"user": [10]}), params={"k": 2**40})
    assert len(many) == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"users": 10}], "a row needs a user or a history; its columns may be user, history"),
        ([{"user": 10}, {"k": 3}], "row 2 has neither a user nor a history"),
        ([{"user": 10, "k": 0}], "k must be a whole number from 1, not 0"),
        ([{"user": 10, "k": 1.5}], "k must be a whole number from 1, not 1.5"),
        ([{"user": 10, "filter_seen": "no"}], "filter_seen must be true or false, not 'no'"),
        ([{"history": "a"}], "history of row 1 must be a list of item ids"),
        ([{"user": [10]}], "a user is one id"),
        ([{"user": 10, "values": [1]}], "row 1 has values of no history"),
        ([{"user": 7, "history": []}], "the history of user 7 is empty"),
        ([{"history": ["z"]}], "history 1 holds no item that the model knows: 'z'"),
        ([{"user": 2**60}, {"history": ["a"]}], "too large to be sent beside rows without a user"),
    ],
)
def test_bad_rows_are_named(
    rows: list[dict[str, Any]], words: str, models: dict[str, PyFuncModel]
) -> None:
    with pytest.raises(MlflowException, match=words):
        models["numbers"].predict(pd.DataFrame(rows))


def served(model: PyFuncModel, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Do what MLflow's server does with a POST to /invocations."""
    from mlflow.pyfunc.scoring_server import invocations

    schema = model.metadata.get_input_schema()
    answer = invocations(json.dumps(body), "application/json", model, schema)
    assert answer.status == 200
    found: list[dict[str, Any]] = json.loads(answer.response)["predictions"]
    return found


@pytest.mark.parametrize(("kind", "user"), [("numbers", 10), ("names", "ann")])
def test_every_form_of_request(kind: str, user: int | str, models: dict[str, PyFuncModel]) -> None:
    model = models[kind]
    others: list[dict[str, Any]] = [
        {"dataframe_records": [{"user": user}]},
        {"dataframe_records": [{"user": user, "history": None, "k": None}]},
        {"dataframe_split": {"columns": ["user", "k"], "data": [[user, 10]]}},
        {"inputs": [{"user": user}]},
        {"inputs": {"user": [user]}},
        {"instances": [{"user": user}]},
        {"instances": {"user": [user]}},
    ]
    expected = [
        {"user": user, "rank": 1, "item": "a", "title": "Alien", "score": 2.0},
        {"user": user, "rank": 2, "item": "c", "title": "Casablanca", "score": 1.0},
    ]
    for body in others:
        assert served(model, body) == expected, body
        assert served(model, body | {"params": {"k": 1}})[0] == expected[0]
    folded = [
        {"dataframe_records": [{"history": ["b"]}]},
        {"dataframe_split": {"columns": ["history"], "data": [[["b"]]]}},
        {"inputs": [{"history": ["b"]}]},
        {"instances": [{"history": ["b"]}]},
    ]
    for body in folded:
        assert served(model, body) == [row | {"user": None} for row in expected], body
    seen = served(model, others[0] | {"params": {"filter_seen": False}})
    assert [row["item"] for row in seen] == ["b", "a", "c"]
    assert served(model, {"dataframe_split": {"columns": ["user"], "data": []}}) == []


def test_a_flag_that_some_rows_lack_stays_unset(models: dict[str, PyFuncModel]) -> None:
    rows = [{"user": 10, "filter_seen": False, "k": 1}, {"user": 10}]
    answer = served(models["numbers"], {"dataframe_records": rows})
    assert [row["item"] for row in answer] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "model",
    [
        ALS(factors=2, epochs=2),
        EASE(),
        ItemKNN(),
        NMF(factors=2),
        Popularity(),
        PureSVD(factors=2),
        Random(),
        RepeatLast(),
    ],
    ids=lambda model: model.kind,
)
def test_every_kind_of_model_answers_both_kinds_of_row(model: Model, tmp_path: Path) -> None:
    saved_as(model, tmp_path / "model.npz")
    save_pyfunc(tmp_path / "model", tmp_path / "model.npz")
    answer = pyfunc(tmp_path / "model").predict(
        pd.DataFrame([{"user": 20}, {"user": 7, "history": ["a", "b"]}]),
        params={"filter_seen": False},
    )
    own = load(tmp_path / "model.npz").recommend([20], filter_seen=False)
    for user in (20, 7):  # who had the same
        rows = answer[answer["user"] == user]
        assert rows["item"].tolist() == own["item"].tolist()
        np.testing.assert_allclose(rows["score"], own["score"], rtol=1e-6)
