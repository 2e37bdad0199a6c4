"""Rows of docs/outages.md: what somebody deleted, renamed or left unfinished in MLflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faults.outage import NAME, agrees, sync
from mlflow import MlflowClient

from cfexp.studies import audit


def of_study(home: Path) -> tuple[MlflowClient, str, str]:
    """Return a client, the experiment and the study's run in it."""
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    role = "tags.`cfexp.role` = 'study'"
    (parent,) = client.search_runs([experiment.experiment_id], role)
    return client, str(experiment.experiment_id), parent.info.run_id


def delete_model(client: MlflowClient, experiment: str, _: str) -> None:
    (model,) = client.search_logged_models([experiment])
    client.delete_logged_model(model.model_id)


def leave_a_model_unfinished(client: MlflowClient, experiment: str, run: str) -> None:
    client.create_logged_model(experiment, name="model", source_run_id=run)


def delete_trial(client: MlflowClient, experiment: str, _: str) -> None:
    found = client.search_runs([experiment], "tags.`cfexp.key` = 'trial/2'")
    client.delete_run(found[0].info.run_id)


def delete_a_file(client: MlflowClient, _: str, run: str) -> None:
    folder = client.get_run(run).info.artifact_uri.removeprefix("file://")
    Path(folder, "report.html").unlink()


IN_THE_UI: dict[str, Callable[[MlflowClient, str, str], object]] = {
    "the experiment deleted": lambda client, experiment, _: client.delete_experiment(experiment),
    "the experiment renamed": lambda client, experiment, _: client.rename_experiment(
        experiment, "mine"
    ),
    "the study's run deleted": lambda client, _, run: client.delete_run(run),
    "a trial's run deleted": delete_trial,
    "the model deleted": delete_model,
    "a model left unfinished": leave_a_model_unfinished,
    "a file deleted": delete_a_file,
}


@pytest.mark.parametrize("what", IN_THE_UI)
def test_what_somebody_did_in_the_ui_is_mended(what: str, home: Path) -> None:
    sync(home)
    client, experiment, parent = of_study(home)
    before = {run.info.run_id for run in client.search_runs([experiment], max_results=1000)}
    IN_THE_UI[what](client, experiment, parent)
    if what != "the experiment renamed":
        assert audit(home, NAME).problems
    sync(home)
    agrees(home)
    after = {run.info.run_id for run in client.search_runs([experiment], max_results=1000)}
    assert parent in after
    assert len(after) == len(before)
    assert len(after - before) == (what == "a trial's run deleted")
