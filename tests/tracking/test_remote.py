"""Real MLflow servers: on SQLite behind a login, and on PostgreSQL; files go through them."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers import TRACKED
from mlflow import MlflowClient
from servers import mlflow_service

from cfexp.deletion import Deletion
from cfexp.errors import StudyConflictError, TrackingError
from cfexp.studies import open_study, sync
from cfexp.tracking.client import open_client
from cfexp.tracking.download import download_model
from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.recorded import recorded
from cfexp.tracking.ui import study_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow.entities import Run

    from cfexp.search.store.record import StudyRecord

USER, PASSWORD, WRONG = "ann", "correct horse/battery@staple", "a wrong passphrase"
STUDY = TRACKED.replace('name = "shown"', 'name = "remote"').replace("trials = 6", "trials = 3")


def fail(message: str) -> None:
    raise AssertionError(message)


@pytest.fixture(scope="module")
def guarded(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on SQLite that asks for a login."""
    pytest.importorskip("flask_wtf", reason="mlflow[auth]")
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(migrated, folder / "mlflow.db")
    settings = folder / "auth.ini"
    settings.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
        f"admin_username = {USER}\nauth_cache_ttl_seconds = 600\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    login = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "for this test alone",
    }
    store = f"sqlite:///{folder}/mlflow.db"
    service, base = mlflow_service(folder, store, "--app-name", "basic-auth", **login)
    with service.running():
        yield base


@pytest.fixture(scope="module")
def on_postgres(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on PostgreSQL."""
    service, base = mlflow_service(tmp_path_factory.mktemp("server"), postgres)
    with service.running():
        yield base


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def refused(
    guarded: str, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A study run by `cfexp run` for a server that refuses it: the home, and what was printed."""
    folder = tmp_path_factory.mktemp("refused")
    home = folder / "home"
    home.mkdir()
    shutil.copy(migrated, home / "mlflow.db")
    (folder / "remote.toml").write_text(STUDY)
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": guarded,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": WRONG,
    }
    command = [sys.executable, "-m", "cfexp.cli.main", "run", "remote.toml", "--home", str(home)]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout + done.stderr


def test_a_wrong_password_is_a_note_and_the_study_goes_on(refused: tuple[Path, str]) -> None:
    home, printed = refused
    words = " ".join(printed.split())
    assert words.count("cannot be written") >= 1
    assert f"it refuses the password of user '{USER}'" in words
    assert "cfexp sync remote" in words
    assert "Traceback" not in printed
    study = open_study(home, "remote").record()
    assert len(study.of_role("trial")) == 3
    assert len(study.readings) == 1


def test_no_password_is_printed_or_stored(refused: tuple[Path, str], guarded: str) -> None:
    home, printed = refused
    sync(home, "remote", tracking_uri=guarded)
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 10
    for secret in (WRONG, PASSWORD):
        assert secret not in printed
        assert not [path for path in files if secret.encode() in path.read_bytes()]
    for run in runs_of(MlflowClient(guarded), "remote"):
        told = str(run.to_dictionary())
        assert WRONG not in told
        assert PASSWORD not in told


def test_a_server_that_asks_for_a_login_says_so(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    with pytest.raises(TrackingError, match=r"asks for a login, .* set MLFLOW_TRACKING_USERNAME"):
        open_client(guarded, tmp_path)
    assert study_links(guarded) == {}


def runs_of(client: MlflowClient, name: str) -> list[Run]:
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def files_of(client: MlflowClient, run_id: str, path: str = "") -> Iterator[str]:
    for file in client.list_artifacts(run_id, path or None):
        if file.is_dir:
            yield from files_of(client, run_id, file.path)
        else:
            yield file.path


IDS = {"mlflow.parentRunId", "mlflow.user"}


def seen(client: MlflowClient, name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return all that a person can see of a study's runs, by key, without MLflow's ids."""
    runs = runs_of(client, name)
    keys = {run.info.run_id: run.data.tags.get("cfexp.key", "study") for run in runs}
    assert len(set(keys.values())) == len(runs)
    return {keys[run.info.run_id]: seen_of(client, run, keys, folder) for run in runs}


def seen_of(client: MlflowClient, run: Run, keys: dict[str, str], folder: Path) -> dict[str, Any]:
    run_id = run.info.run_id
    at = folder / run_id
    at.mkdir(parents=True)
    paths = list(files_of(client, run_id))
    hashes = {
        path: hashlib.sha256(
            Path(client.download_artifacts(run_id, path, str(at))).read_bytes()
        ).hexdigest()
        for path in paths
    }
    points = [
        point for name in run.data.metrics for point in client.get_metric_history(run_id, name)
    ]
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "params": run.data.params,
        "metrics": sorted((p.key, p.step, p.timestamp, p.value) for p in points),
        "shown": run.data.metrics,
        "tags": {
            tag: value
            for tag, value in run.data.tags.items()
            if tag not in IDS and not tag.startswith("mlflow.source.")
        },
        "parent": keys.get(run.data.tags.get("mlflow.parentRunId", "")),
        "data": [
            (one.dataset.name, one.dataset.digest, one.dataset.profile, one.tags[0].value)
            for one in run.inputs.dataset_inputs
        ],
        "files": hashes,
        "models": len(run.outputs.model_outputs) if run.outputs else 0,
    }


@pytest.mark.slow
@pytest.mark.parametrize("server", ["guarded", "on_postgres"])
def test_a_server_gets_the_same_runs_as_the_local_store(
    server: str, refused: tuple[Path, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    home, _ = refused
    base = request.getfixturevalue(server)
    local = f"sqlite:///{home}/mlflow.db"
    sync(home, "remote", tracking_uri=base)
    sync(home, "remote", tracking_uri=local)
    there = seen(open_client(base, home), "remote", tmp_path / "there")
    here = seen(open_client(local, home), "remote", tmp_path / "here")
    assert there.keys() == here.keys()
    for key, run in here.items():
        assert there[key] == run, key
    study = here["study"]
    assert study["models"] == 1
    assert {"study.toml", "leaderboard.csv", "tables/leaderboard.json"} <= study["files"].keys()
    tested = [run for run in here.values() if run["tags"]["cfexp.role"] in {"baseline", "final"}]
    assert tested
    assert all("tables/groups.json" in run["files"] for run in tested)
    assert all(run["parent"] == "study" for key, run in here.items() if key != "study")
    assert all(run["data"] for run in here.values())


@pytest.mark.slow
def test_every_run_says_what_it_cost_and_with_what_it_was_computed(
    refused: tuple[Path, str],
) -> None:
    home, _ = refused
    sync(home, "remote", tracking_uri=f"sqlite:///{home}/mlflow.db")
    for run in runs_of(open_client(f"sqlite:///{home}/mlflow.db", home), "remote"):
        tags, metrics = run.data.tags, run.data.metrics
        assert {"cfexp.threads", "cfexp.machine"} <= tags.keys()
        assert f"numpy {np.__version__}" in tags["cfexp.versions"]
        if tags["cfexp.role"] == "study":
            assert "reaches ndcg@10" in tags["mlflow.note.content"]
            assert "popularity" in tags["mlflow.note.content"]
        else:
            assert 50 < metrics["memory/peak_megabytes"] < 10_000
            assert {"time/fit_seconds", "time/score_seconds"} <= metrics.keys()
            assert tags["cfexp.kind"] == run.data.params["kind"]
        if tags["cfexp.role"] == "final":
            assert "the winner, seed" in tags["mlflow.note.content"]


@pytest.mark.slow
def test_every_state_reaches_a_server(
    on_postgres: str,
    study: StudyRecord,
    home: Path,
    tmp_path: Path,
) -> None:
    study = dataclasses.replace(study, name="states")
    for uri in (on_postgres, f"sqlite:///{home}/mlflow.db"):
        assert MlflowTracker(uri, home, say=fail).complete(study) is not None
    there = seen(open_client(on_postgres, home), "states", tmp_path / "there")
    here = seen(open_client(f"sqlite:///{home}/mlflow.db", home), "states", tmp_path / "here")
    assert there == here
    assert {run["status"] for run in there.values()} == {"FINISHED", "KILLED", "FAILED"}


@pytest.mark.slow
def test_a_study_s_model_is_on_the_server(
    refused: tuple[Path, str], on_postgres: str, tmp_path: Path
) -> None:
    home, _ = refused
    sync(home, "remote", tracking_uri=on_postgres)
    parent = study_links(on_postgres, "remote")["report"].split("/runs/")[1].split("/")[0]
    got = download_model(f"runs:/{parent}/model", tmp_path, home=home, store=on_postgres)
    saved = home / "studies" / "remote" / "model" / "model.npz"
    assert got.read_bytes() == saved.read_bytes()


def test_a_study_is_compared_with_a_server_s_record_and_deleted_there(
    refused: tuple[Path, str], on_postgres: str, tmp_path: Path
) -> None:
    home, _ = refused
    study = sync(home, "remote", tracking_uri=on_postgres)
    assert recorded("remote", tmp_path, on_postgres).compare(study).identical
    client = MlflowClient(on_postgres)
    before = runs_of(client, "remote")
    parent = next(run for run in before if run.data.tags["cfexp.role"] == "study")
    assert client.list_artifacts(parent.info.run_id)
    (model,) = client.search_logged_models([parent.info.experiment_id])
    assert client.list_logged_model_artifacts(model.model_id)
    elsewhere = Deletion(tmp_path, "remote", tracking_uri=on_postgres)
    with pytest.raises(StudyConflictError, match="there is no study 'remote'"), elsewhere:
        pass
    assert len(runs_of(client, "remote")) == len(before)
    shutil.copytree(home, tmp_path / "copy")
    with Deletion(tmp_path / "copy", "remote", tracking_uri=on_postgres) as deletion:
        deletion.delete()
    assert client.get_experiment_by_name("remote") is None
    assert client.get_experiment(parent.info.experiment_id).lifecycle_stage == "deleted"
    assert client.list_artifacts(parent.info.run_id) == []
    assert list(client.search_logged_models([parent.info.experiment_id])) == []
