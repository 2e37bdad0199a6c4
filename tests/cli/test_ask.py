"""`cfexp recommend|similar|explain` on model files, studies and MLflow's models."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, invoke, spec_of
from scipy import sparse

import cfexp
from cfexp.data.positives import Positives
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, InputError, ModelFileError, TrackingError
from cfexp.models.als import ALS
from cfexp.models.any_model import AnyModel
from cfexp.models.content import Content
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Model
from cfexp.models.popularity import Popularity
from cfexp.models.saved import RELATING

TITLES = ["Alien", "Aliens", "Heat", "heat", "", "Big Fish", "Big", "The [Room]"]


def printed(*arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(*arguments: str | Path) -> str:
    done = invoke(*arguments)
    assert isinstance(done.exception, InputError), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


@pytest.fixture(scope="module")
def matrix() -> sparse.csr_array:
    rng = np.random.default_rng(3)
    return sparse.csr_array((rng.random((12, 8)) < 0.4).astype(np.float32))


@pytest.fixture(scope="module")
def model(matrix: sparse.csr_array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "als.npz"
    ALS(factors=3, alpha=2.0, regularization=0.1, epochs=5).fit(matrix, 0).save(
        path,
        users=Vocabulary(np.array(sorted(f"u{user:02}" for user in range(12)), object)),
        items=Vocabulary(np.arange(8) * 10 + 100),
        titles=np.array(TITLES, object),
    )
    return path


@pytest.fixture(scope="module")
def bare(matrix: sparse.csr_array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "bare.npz"
    Popularity().fit(matrix).save(path)
    return path


def test_recommend_speaks_the_original_ids(model: Path, matrix: sparse.csr_array) -> None:
    rows = printed("recommend", model, "u03", "u05", "-k", "2")
    wanted = cfexp.load(model).recommend(["u03", "u05"], 2)
    assert [row["user"] for row in rows] == ["u03", "u03", "u05", "u05"]
    assert [row["rank"] for row in rows] == [1, 2, 1, 2]
    assert [row["item"] for row in rows] == wanted["item"].tolist()
    for row in rows:
        assert row["title"] == TITLES[(row["item"] - 100) // 10]
        assert matrix[int(row["user"][1:]), (row["item"] - 100) // 10] == 0
    shown = invoke("recommend", model, "u03").stdout
    assert "for user u03" in shown
    assert "title" in shown


def test_include_seen(model: Path, matrix: sparse.csr_array) -> None:
    assert len(printed("recommend", model, "u03", "-k", "8", "--include-seen")) == 8
    unseen = 8 - int(np.diff(matrix.indptr)[3])
    assert len(printed("recommend", model, "u03", "-k", "8")) == unseen


def test_similar_items(model: Path) -> None:
    scorer: Any = cfexp.load(model).scorer
    for by in ("cosine", "dot"):
        found = printed("similar", model, "Big", "-k", "3", "--by", by)
        items, values = scorer.similar_items(np.array([6], np.int32), 3, by)
        assert found["item"] == {"item": 160, "title": "Big"}
        assert [row["item"] for row in found["similar"]] == (items[0] * 10 + 100).tolist()
        assert [row[by] for row in found["similar"]] == pytest.approx(values[0].tolist())
    assert "like Big (160)" in invoke("similar", model, "160").stdout
    assert invoke("similar", model, "160", "--by", "taste").exit_code == 2


def test_contributions_sum_to_the_score(model: Path, matrix: sparse.csr_array) -> None:
    found = printed("explain", model, "u03", "The [Room]")
    scorer: Any = cfexp.load(model).scorer
    score = float(scorer.user_factors[3] @ scorer.item_factors[7])
    assert found["item"]["item"] == 170
    assert found["score"] == pytest.approx(score, abs=1e-4)
    history = found["contributions"]
    assert {(row["item"] - 100) // 10 for row in history} == set(matrix[[3]].indices.tolist())
    assert sum(row["adds"] for row in history) == pytest.approx(found["score"])
    shown = invoke("explain", model, "u03", "170", "-k", "1").stdout
    assert "The [Room] (170) for user u03" in shown
    assert "others" in shown


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("120", 120),  # an id
        ("Alien", 100),  # an exact title wins over a part of another
        ("alien", 100),  # but for case
        ("Heat", 120),
        ("fish", 150),  # the only one
        ("[room]", 170),
    ],
)
def test_items_by_id_or_title(name: str, item: int, model: Path) -> None:
    assert printed("similar", model, name)["item"]["item"] == item


def test_what_is_not_unique_is_listed(model: Path) -> None:
    message = refused("similar", model, "HEAT")
    assert "2 items have 'HEAT'" in message
    assert "Heat (120)" in message
    assert "heat (130)" in message


def test_unknown_users_and_items(model: Path, bare: Path) -> None:
    assert "did you mean 'u03'" in refused("recommend", model, "u033")
    assert "did you mean 'Big Fish'" in refused("similar", model, "Big Fisch")
    assert "no item has the id or title '999'" in refused("explain", model, "u03", "999")
    assert "user '12' is not among the 12" in refused("recommend", bare, "12")


def test_a_model_without_ids_speaks_in_codes(bare: Path) -> None:
    rows = printed("recommend", bare, "3", "-k", "1")
    assert set(rows[0]) == {"user", "rank", "item", "score"}
    assert "title" not in invoke("recommend", bare, "3").stdout


@pytest.mark.parametrize("model", get_args(get_args(AnyModel)[0]))
def test_every_kind_relates_items_or_says_which_can(
    model: type[Model], matrix: sparse.csr_array, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    fields = {"factors": 3} if "factors" in model.model_fields else {}
    data = TrainingData(Positives(matrix), ItemFeatures.of(np.eye(8)))
    model(**fields).fit(data, 0).save(path, titles=np.array(TITLES, object))
    kind = model.model_fields["kind"].default
    if kind not in RELATING:
        for wrong in (("similar", path, "1"), ("explain", path, "1", "1")):
            message = refused(*wrong)
            assert f"of kind {kind!r}" in message
            assert "a model of kind als, content, ease, item_knn, nmf, svd" in message
        return
    scorer: Any = cfexp.load(path).scorer
    found = printed("similar", path, "Big", "-k", "2")
    assert found["by"] == scorer.measures[0]
    assert [row["item"] for row in found["similar"]] == scorer.similar_items(6, 2)[0][0].tolist()
    explained = printed("explain", path, "3", "The [Room]")
    adds = [row["adds"] for row in explained["contributions"]]
    (score,) = scorer.scores(scorer.queries(matrix[[3]]))[:, 7]
    assert sum(adds) == pytest.approx(explained["score"])
    assert explained["score"] == pytest.approx(score, abs=1e-5)


def test_weights_are_compared_one_way(matrix: sparse.csr_array, tmp_path: Path) -> None:
    path = tmp_path / "knn.npz"
    ItemKNN().fit(matrix).save(path)
    message = refused("similar", path, "1", "--by", "dot")
    assert "--by dot compares factors" in message
    assert "compares items by weight alone" in message


def test_files_that_are_no_models(tmp_path: Path) -> None:
    assert "there is no model file" in refused("recommend", tmp_path / "none.npz", "1")
    other = tmp_path / "other.npz"
    other.write_text("x")
    assert "not a model saved by cfexp" in refused("recommend", other, "1")
    message = refused("recommend", "nothing", "1", "--home", tmp_path)
    assert "'nothing' is neither a model file nor a study" in message


@pytest.mark.slow
def test_a_study_and_its_model_in_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    text = SMALL.replace("trials = 8", "trials = 1")
    spec = spec_of(text, tmp_path)
    home = tmp_path / "home"
    cfexp.run_study(spec, home=home)
    from mlflow import MlflowClient, is_tracking_uri_set

    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name("small")
    runs = client.search_runs([experiment.experiment_id], "tags.`cfexp.role` = 'study'")
    (logged,) = client.search_logged_models([experiment.experiment_id])
    names = ["small", f"runs:/{runs[0].info.run_id}/model", f"models:/{logged.model_id}"]
    answers = [printed("recommend", name, "1", "2", "--home", home) for name in names]
    assert len(answers[0]) == 20
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
    for asked in (("similar", "4"), ("explain", "1", "4")):
        command, *rest = asked
        told = [printed(command, name, *rest, "--home", home) for name in names]
        assert told[1] == told[0]
        assert told[2] == told[0]
    done = invoke("recommend", "models:/m-none", "1", "--home", home)
    assert isinstance(done.exception, TrackingError)
    assert "cannot get models:/m-none" in str(done.exception)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    elsewhere = tmp_path / "another home"
    assert printed("recommend", names[1], "1", "2", "--home", elsewhere) == answers[0]
    assert is_tracking_uri_set()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert not is_tracking_uri_set(), "MLflow would go on with what was set for a while"


def test_mlflow_without_anything_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = invoke("recommend", "models:/x/1", "1", "--home", tmp_path)
    assert isinstance(done.exception, TrackingError)
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = SimpleNamespace(model_file=tmp_path / "model.npz", readings=())
    store = SimpleNamespace(record=lambda: record)
    monkeypatch.setattr("cfexp.cli.lookup.open_study", lambda *_: store)
    assert "has no model yet" in refused("recommend", "young", "1")
    assert issubclass(ModelFileError, InputError)
    assert issubclass(DataError, InputError)


def test_new_items_from_a_file(matrix: sparse.csr_array, model: Path, tmp_path: Path) -> None:
    table = {"tempo": np.arange(8.0), "genre": np.array(["a|b", "a", "b", "b"] * 2)}
    features = ItemFeatures.of_columns(Attributes(table), {"genre": "|"})
    content = tmp_path / "content.npz"
    items = Vocabulary(np.arange(8) * 10 + 100)
    scorer = Content().fit(TrainingData(Positives(matrix), features))
    scorer.save(content, items=items, titles=np.array(TITLES, object))
    file = tmp_path / "new.csv"
    file.write_text("song,title,tempo,genre,label\n900,Fresh,3,a|b,x\n901,,NA,,y\n120,Old,7,b,z\n")
    rows = printed("recommend", content, "3", "--new-items", file, "--include-seen")
    lists = pd.DataFrame({"song": [900], "title": ["Fresh"], "tempo": [3], "genre": [["a", "b"]]})
    lists.to_parquet(tmp_path / "new.parquet")
    stored = printed("recommend", content, "3", "--new-items", tmp_path / "new.parquet")
    assert stored[0]["score"] == next(row["score"] for row in rows if row["item"] == 900)
    assert {row["item"] for row in rows} == {900, 901, 120}
    titles = {row["item"]: row["title"] for row in rows}
    assert titles == {900: "Fresh", 901: "", 120: "Heat"}
    assert next(row["score"] for row in rows if row["item"] == 901) == 0
    assert "of kind 'content'" in refused("recommend", model, "u03", "--new-items", file)
    assert "there is no file" in refused("recommend", content, "3", "--new-items", tmp_path / "no")
    known = invoke("recommend", content, "3", "--new-items", file)
    assert "1 of 3 items" in known.stderr
    file.write_text("song,genre\n900,a|c\n901,b\n")
    strange = invoke("recommend", content, "3", "--new-items", file)
    assert strange.exit_code == 0
    assert strange.stderr == (
        "genre: nothing was learnt of 'c'; counted as none of the known values\n"
    )
    file.write_text("song,tempo\nx1,3\n")
    assert "are numbers" in refused("recommend", content, "3", "--new-items", file)
    file.write_text("song,tempo\n")
    assert "no items" in refused("recommend", content, "3", "--new-items", file)
