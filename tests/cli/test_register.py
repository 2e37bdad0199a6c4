"""`cfexp register` and `cfexp run --register`: a real registry, on SQLite and a server."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from helpers import SMALL, invoke
from mlflow import MlflowClient

from cfexp.errors import InputError, TrackingError
from cfexp.tracking.ui import running_ui

SMALL = SMALL.replace("trials = 8", "trials = 2")
TEXTS = {
    "small": SMALL,
    "twin": SMALL.replace("seed = 5", "seed = 6"),
    "same": SMALL,
    "weak": SMALL[: SMALL.index("[[models]]")] + '[[models]]\nmodel = { kind = "random" }\n',
    "other": SMALL.replace("test = 3", "test = 2"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with finished studies; `other` has another split, `same` is `small` again."""
    folder = tmp_path_factory.mktemp("register")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, text in TEXTS.items():
            file = folder / f"{name}.toml"
            file.write_text(text.replace('name = "small"', f'name = "{name}"'))
            done = invoke("run", file, "--no-track", "--home", folder / "home")
            assert done.exit_code == 0, done.output
    return folder / "home"


@pytest.fixture
def home(studied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Path(shutil.copytree(studied, tmp_path / "home"))


def client_of(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home}/mlflow.db")


def aliases(client: MlflowClient) -> dict[str, str]:
    return {name: str(one) for name, one in client.get_registered_model("shop").aliases.items()}


def registered(home: Path, study: str, *more: str) -> dict[str, Any]:
    done = invoke("register", study, "shop", "--json", "--home", home, *more)
    assert done.exit_code == 0, done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_alias_moves_only_to_what_is_better(home: Path) -> None:
    first = registered(home, "weak")
    assert (first["version"], first["new"], first["champion"]) == ("1", True, True)
    assert "is the first champion" in first["words"]
    again = registered(home, "weak")
    assert (again["version"], again["new"], again["champion"]) == ("1", False, True)

    better = registered(home, "small")
    assert (better["version"], better["new"], better["champion"]) == ("2", True, True)
    assert better["words"].startswith("small:als")
    assert "better than version 1, weak:random" in better["words"]

    for name, why in {
        "twin": "no clear difference to twin:als",
        "other": "split.test: 2 in other, 3 in small",
    }.items():
        kept = registered(home, name)
        assert (kept["new"], kept["champion"]) == (True, False)
        assert why in kept["words"]
    same = registered(home, "same")  # the very same model
    assert (same["version"], same["new"], same["champion"]) == ("2", False, True)
    assert same["words"].startswith("small:als")
    worse = registered(home, "weak")
    assert (worse["version"], worse["new"], worse["champion"]) == ("1", False, False)
    assert "is worse: ndcg@10 on test" in worse["words"]

    client = client_of(home)
    assert aliases(client) == {"champion": "2"}
    versions = {version.version: version for version in client.search_model_versions("name='shop'")}
    assert len(versions) == 4
    for version in versions.values():
        about, decision = version.description.split("\n\n", 1)
        assert about.startswith(f"{version.tags['cfexp.label']}, chosen on validation: ndcg@10 0.")
        assert decision == version.tags["cfexp.decision"]
        assert version.status == "READY"
    assert versions[2].tags["cfexp.study"] == "small"
    assert versions[2].description.endswith(better["words"])

    import mlflow.pyfunc
    import pandas as pd

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
        model = mlflow.pyfunc.load_model("models:/shop@champion")
    answer = model.predict(pd.DataFrame({"user": [1, 2]}))
    named = invoke("recommend", "models:/shop@champion", "1", "2", "--json", "--home", home)
    assert answer["item"].tolist() == [row["item"] for row in json.loads(named.stdout)]


def test_what_was_found_stays_described(home: Path) -> None:
    def notes() -> dict[str, str]:
        (experiment,) = client_of(home).search_experiments(filter_string="name = 'small'")
        runs = client_of(home).search_runs([experiment.experiment_id])
        return {run.info.run_id: run.data.tags.get("mlflow.note.content", "") for run in runs}

    assert invoke("sync", "small", "--home", home).exit_code == 0
    before = notes()
    assert any("chosen on validation among" in note for note in before.values())
    registered(home, "small")
    assert notes() == before


def test_a_champion_whose_values_are_gone_stays(home: Path) -> None:
    registered(home, "weak")
    for kept in (home / "artifacts").rglob("registered/*.npz"):
        kept.unlink()
    found = registered(home, "small")
    assert not found["champion"]
    assert "its values per user are gone from MLflow" in found["words"]


def test_a_champion_of_another_origin_stays(home: Path) -> None:
    registered(home, "weak")
    client = client_of(home)
    (version,) = client.search_model_versions("name='shop'")
    client.create_model_version("shop", version.source, version.run_id)
    client.set_registered_model_alias("shop", "champion", "2")
    found = registered(home, "small")
    assert (found["version"], found["champion"]) == ("3", False)
    assert "it was not registered by cfexp" in found["words"]


def test_homes_of_two_people_and_one_server(home: Path, tmp_path: Path) -> None:
    """The champion's study is not in the second home; its values are with the server."""
    hers = Path(shutil.copytree(home, tmp_path / "hers"))
    registered(home, "weak", "--tracking-uri", f"sqlite:///{tmp_path}/server/mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_ui(tmp_path / "server", port=port) as (address, _):
        shutil.rmtree(home / "studies" / "weak")
        found = registered(hers, "small", "--tracking-uri", address)
        assert found["champion"]
        assert "better than version 1, weak:random" in found["words"]
        assert not registered(hers, "small", "--tracking-uri", address)["new"]
        assert registered(hers, "weak", "--tracking-uri", address)["version"] == "1"
        client = MlflowClient(address)
        assert aliases(client) == {"champion": "2"}


def test_run_and_register(home: Path, studied: Path) -> None:
    file = studied.parent / "small.toml"
    done = invoke("run", file, "--register", "shop", "--home", home)
    assert done.exit_code == 0, done.output
    assert "shop version 1 is registered. small:als" in done.stdout
    assert (
        "shop version 1 is registered already"
        in invoke("register", "small", "shop", "--home", home).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["register", "smal", "shop"], "did you mean 'small'?"),
        (["register", "small", "a/b"], "the name of a registered model starts with"),
        (["run", "FILE", "--register", "a:b"], "the name of a registered model starts with"),
        (["run", "FILE", "--register", "x", "--no-track"], "which --no-track forbids"),
    ],
)
def test_mistakes(arguments: list[str], words: str, studied: Path) -> None:
    file = str(studied.parent / "small.toml")
    done = invoke(*[file if one == "FILE" else one for one in arguments], "--home", studied)
    assert isinstance(done.exception, InputError), done.output
    assert words in str(done.exception)


def test_a_study_without_a_winner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    file = tmp_path / "study.toml"
    file.write_text(SMALL.replace("trials = 2", "trials = 0"))
    home = tmp_path / "home"
    assert invoke("run", file, "--no-track", "--home", home).exit_code == 0
    done = invoke("register", "small", "shop", "--home", home)
    assert isinstance(done.exception, InputError)
    assert "has no winner yet" in str(done.exception)


def test_a_server_that_is_down(home: Path) -> None:
    done = invoke(
        "register", "small", "shop", "--home", home, "--tracking-uri", "http://127.0.0.1:9"
    )
    assert isinstance(done.exception, TrackingError)
    assert "cannot be written" in str(done.exception)
