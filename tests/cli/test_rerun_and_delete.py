"""`cfexp rerun`, from MLflow's record alone, and `cfexp delete`, of everything there is."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from helpers import SMALL, invoke
from mlflow import MlflowClient
from mlflow.entities import ViewType

from cfexp import provenance
from cfexp.cli.rerun import words
from cfexp.deletion import Deletion
from cfexp.errors import InputError, StudyConflictError, TrackingError
from cfexp.search.store.storage import open_storage, study_names
from cfexp.search.store.study_lock import study_lock
from cfexp.studies import open_study
from cfexp.tracking.recorded import Recorded, Values, recorded

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def run(home: Path) -> None:
    file = home.with_name("small.toml")
    file.write_text(SMALL.replace("trials = 8", "trials = 3"))
    done = invoke("run", file, "--home", home)
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("again") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        run(home)
    return home


def uri(home: Path) -> str:
    return f"sqlite:///{home}/mlflow.db"


def test_a_study_is_run_again_from_mlflow_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_study(home, "small").record()
    monkeypatch.setattr(provenance, "provenance", lambda: {"numpy": "9.9"})
    elsewhere = tmp_path / "elsewhere"
    arguments = ["--tracking-uri", uri(home), "--no-track", "--json", "--home", elsewhere]
    done = invoke("rerun", "small", *arguments)
    assert done.exit_code == 0, done.output
    assert f"numpy: recorded {np.__version__}, here 9.9" in done.stderr
    assert "data and split are those recorded" in done.stderr
    compared = json.loads(done.stdout)
    assert (compared["identical"], compared["trials"], compared["read"]) == (True, 3, 7)
    again = open_study(elsewhere, "small-rerun").record()
    assert [run.metrics for run in again.runs] == [run.metrics for run in before.runs]
    assert 'name = "small-rerun"' in again.text
    assert open_study(home, "small").record() == before


@pytest.fixture(scope="module")
def record(home: Path) -> Recorded:
    return recorded("small", home, uri(home))


def test_every_difference_is_named(home: Path, record: Recorded) -> None:
    study = open_study(home, "small").record()
    assert words("small", record.compare(study)) == [
        "Identical to the record of 'small', bit for bit: 3 trials and the test numbers of 7 runs."
    ]
    trial = record.runs["trial/1"]
    value = trial.metrics["val/ndcg_at_10"]
    runs = record.runs | {
        "trial/1": dataclasses.replace(
            trial, metrics=trial.metrics | {"val/ndcg_at_10": np.nextafter(value, 1)}
        ),
        "trial/2": dataclasses.replace(record.runs["trial/2"], status="FAILED"),
        "trial/3": trial,
        "baseline/gone": trial,
    }
    del runs["trial/0"]
    compared = dataclasses.replace(record, runs=runs).compare(study)
    assert compared.absent == ("baseline/gone",)
    assert compared.differences == {
        "trial/1": [f"val/ndcg_at_10 {value}, recorded {np.nextafter(value, 1)}"],
        "trial/2": ["FINISHED, recorded FAILED"],
        "trial/3": ["was not run"],
        "trial/0": ["is not recorded"],
    }
    said = words("small", compared)
    assert said[0].startswith("1 runs of the record are of earlier readings")
    assert said[1].startswith("NOT identical to the record of 'small'")


def test_what_a_record_was_computed_with_is_compared(record: Recorded) -> None:
    here = dict(record.environments[0])
    assert record.changes(here) == []
    assert record.changes(here | {"threads": "64", "git_dirty": "true"}) == []
    two = dataclasses.replace(
        record, environments=(here, here | {"scipy": "9", "workers": "2"})
    ).changes(here)
    assert f"scipy: recorded {here['scipy']}, then 9, here {here['scipy']}" in two
    assert any(line.startswith("workers: recorded 1, then 2, here 1: the order") for line in two)


def test_relative_data_paths_start_from_the_folder_given(record: Recorded, tmp_path: Path) -> None:
    spec = record.renamed("again", tmp_path)
    assert (spec.name, spec.folder) == ("again", tmp_path)
    assert spec.science | {"name": "small"} == record.renamed("small", tmp_path).science


def test_a_stopped_rerun_says_how_to_go_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **flags: object) -> None:
        assert flags["storage"] == "postgresql://nowhere/studies"
        raise KeyboardInterrupt

    monkeypatch.setattr("cfexp.launch.run_study", stopped)
    given = ["--threads", "2", "--no-track", "--home", tmp_path, "--tracking-uri", uri(home)]
    shared = ["--storage", "postgresql://nowhere/studies"]
    done = invoke("rerun", "small", "--as", "again", *given, *shared)
    again = f"cfexp rerun small --as again --no-track --threads 2 --home {tmp_path}"
    assert f"{again} --tracking-uri {uri(home)} {' '.join(shared)}\n" in done.output


def test_a_renamed_experiment_is_found(home: Path, record: Recorded) -> None:
    client = MlflowClient(uri(home))
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    client.rename_experiment(experiment.experiment_id, "nicer")
    try:
        assert recorded("small", home, uri(home)) == record
    finally:
        client.rename_experiment(experiment.experiment_id, "small")


def test_the_name_is_replaced_where_it_is_the_name(record: Recorded, tmp_path: Path) -> None:
    assert 'name = "small"' in record.text
    text = f'description = """\nname = "a line of it"\n"""\n{record.text}'
    spec = dataclasses.replace(record, text=text).renamed("again", tmp_path)
    assert spec.text == text.replace('name = "small"', 'name = "again"')


def test_what_cannot_be_run_again_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyConflictError, match="no study 'none'; it has: small"):
        recorded("none", home)
    client = MlflowClient(uri(home))
    half = client.create_experiment("half", (tmp_path / "half").as_uri())
    client.create_run(half, tags={"cfexp.role": "study"})
    with pytest.raises(InputError, match="no study file of study 'half': it was interrupted"):
        recorded("half", home)
    client.delete_experiment(half)
    done = invoke("rerun", "small", "--as", "small", "--home", home)
    assert isinstance(done.exception, InputError)
    assert "a name of its own" in str(done.exception)


def left(home: Path) -> dict[str, Any]:
    """What there is of the study anywhere."""
    client = MlflowClient(uri(home))
    experiment = client.get_experiment_by_name("small")
    found = client.search_experiments(filter_string="tags.`cfexp.study` = 'small'")
    runs = client.search_runs([one.experiment_id for one in found]) if found else []
    return {
        "optuna": "small" in study_names(open_storage(home)),
        "folder": any((home / "studies").glob("*small*")),
        "artifacts": [path for path in home.rglob("artifacts/small/**/*") if path.is_file()],
        "experiment": experiment and experiment.lifecycle_stage,
        "runs": len(runs),
    }


NOTHING = {"optuna": False, "folder": False, "artifacts": [], "experiment": None, "runs": 0}


def refused(home: Path, *arguments: str) -> str:
    done = invoke("delete", *arguments, "--home", home)
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    return str(done.exception)


def test_what_must_not_be_deleted_is_refused(home: Path) -> None:
    before = left(home)
    assert "nobody to ask" in refused(home, "small")
    assert "did you mean 'small'" in refused(home, "smal", "--yes")
    for name in ("..", "../small", ""):
        assert "there is no study" in refused(home, name, "--yes")
    with study_lock(home, "small"):
        assert "run by another process" in refused(home, "small", "--yes")
    assert left(home) == before


def test_a_name_that_leads_elsewhere_deletes_no_folder(tmp_path: Path) -> None:
    home, precious = tmp_path / "home", tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("x")
    storage = open_storage(home)
    optuna.create_study(study_name="../../precious", storage=storage)
    with Deletion(home, "../../precious") as deletion:
        assert deletion.parts() == ["the study in Optuna's storage: 0 trials"]
        deletion.delete()
    assert [path.name for path in precious.iterdir()] == ["thesis.txt"]
    assert storage.get_all_studies() == []


def test_a_folder_is_out_of_the_way_before_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "studies" / "small"
    for path in (folder / "model", tmp_path / "workers" / "small" / "1"):
        path.mkdir(parents=True)
    there: list[bool] = []
    rmtree = shutil.rmtree

    def delete(path: Path, **options: bool) -> None:
        there.append(folder.exists())
        rmtree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", delete)
    with Deletion(tmp_path, "small", track=False) as deletion:
        deletion.delete()
    assert there == [False, False]
    assert [*(tmp_path / "studies").iterdir(), *(tmp_path / "workers").iterdir()] == []


def test_a_registered_model_keeps_its_study(home: Path) -> None:
    done = invoke("register", "small", "shop", "--home", home)
    assert done.exit_code == 0, done.output
    assert "registered as shop version 1, which" in refused(home, "small", "--yes")
    MlflowClient(uri(home)).delete_registered_model("shop")


def test_somebody_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from cfexp.cli import delete
    from cfexp.cli.main import app

    monkeypatch.setattr(delete, "sys", type("Terminal", (), {"stdin": sys.stdin}))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    before = left(home)
    done = CliRunner().invoke(app, ["delete", "small", "--home", str(home)], input="n\n")
    assert done.exit_code == 1
    assert "Optuna's storage: 3 trials" in done.output
    assert "MLflow's experiment with 11 runs, 1 logged models at sqlite" in done.output
    assert "nothing was deleted" in done.output
    assert left(home) == before


class Killed(BaseException):
    """What ends a deletion midway."""


def test_a_deletion_killed_anywhere_is_finished_by_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    places: list[tuple[Any, str]] = [
        (MlflowClient, "delete_logged_model"),
        (MlflowClient, "rename_experiment"),
        (MlflowClient, "delete_experiment"),
        (optuna, "delete_study"),
        (shutil, "rmtree"),
    ]
    for owner, name in places:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, killed)
            with pytest.raises(Killed):
                invoke("delete", "small", "--yes", "--home", home, catch_exceptions=False)
    half = left(home)
    assert half.pop("folder")
    assert half == {key: value for key, value in NOTHING.items() if key != "folder"}
    done = invoke("delete", "small", "--yes", "--home", home)
    assert (done.exit_code, done.output.strip()) == (0, "study 'small' is deleted")
    assert left(home) == NOTHING
    assert "there is no study 'small'" in refused(home, "small", "--yes")


def test_a_name_that_was_deleted_begins_afresh(home: Path) -> None:
    run(home)
    client = MlflowClient(uri(home))
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    everything = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
    assert len(everything) == 11
    assert len(open_study(home, "small").record().readings) == 1


def test_mlflow_that_does_not_answer_keeps_the_study(home: Path) -> None:
    away, before = "http://127.0.0.1:9", left(home)
    done = invoke("delete", "small", "--yes", "--home", home, "--tracking-uri", away)
    assert isinstance(done.exception, TrackingError)
    assert "--no-track" in str(done.exception)
    assert left(home) == before
    assert invoke("delete", "small", "--yes", "--no-track", "--home", home).exit_code == 0
    assert left(home) == before | {"optuna": False, "folder": False}


def test_what_was_deleted_in_mlflow_s_own_page_goes_as_well(home: Path) -> None:
    client = MlflowClient(uri(home))
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)  # its name is taken, its runs would return
    assert invoke("delete", "small", "--yes", "--home", home).exit_code == 0
    assert left(home) == NOTHING


def test_values_differ_by_what_is_missing() -> None:
    had, has = Values("FINISHED", {"a": "1"}, {}), Values("FINISHED", {}, {"val/x": 1.0})
    assert had.differences(has) == ["a missing, recorded 1", "val/x 1.0, recorded missing"]
