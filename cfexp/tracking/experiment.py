"""A study's experiment in MLflow: found by its name or by what it holds, restored, made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.errors import TrackingError
from cfexp.tracking.address import is_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

_TAG = "cfexp.study"
_PAGE = 500  # runs


def find_experiment(client: MlflowClient, name: str, tags: Mapping[str, str]) -> Experiment | None:
    """Return the experiment that has a run with all of `tags`, or else that called `name`.

    The first is looked for under `name`, then among those that have the tag of the study
    `name`, since somebody may have renamed it; deleted ones come last.
    """
    from mlflow.entities import ViewType

    named = client.get_experiment_by_name(name)
    if named is not None and _has_run(client, named, tags):
        return named
    tagged = client.search_experiments(ViewType.ALL, filter_string=query_of({_TAG: name}))
    for other in sorted(tagged, key=lambda one: one.lifecycle_stage != "active"):
        if _has_run(client, other, tags):
            return other
    return named


def _has_run(client: MlflowClient, experiment: Experiment, tags: Mapping[str, str]) -> bool:
    from mlflow.entities import ViewType

    query = query_of(tags)
    found = client.search_runs([experiment.experiment_id], query, ViewType.ALL, max_results=1)
    return bool(found)


def query_of(tags: Mapping[str, str]) -> str:
    """Return the condition of a search that all of `tags` have their values."""
    return " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in tags.items())


def open_experiment(
    client: MlflowClient, uri: str, home: Path, name: str, tags: Mapping[str, str]
) -> str:
    """Return the id of the experiment that `find_experiment` finds, created or restored.

    Without a server the artifacts' folder must be absolute, or MLflow writes below
    whatever folder is current; a server chooses for itself.
    """
    found = find_experiment(client, name, tags)
    if found is None:
        folder = None if is_server(uri) else (home.absolute() / "artifacts" / name).as_uri()
        own = {_TAG: name, "mlflow.experimentKind": "custom_model_development"}
        return client.create_experiment(name, artifact_location=folder, tags=own)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if not is_server(uri) and found.artifact_location.startswith("mlflow-artifacts:"):
        raise TrackingError(
            f"experiment {name!r} was made through an MLflow server, which alone can write "
            f"its files; name that server with --tracking-uri http://... or use another --home"
        )
    return str(found.experiment_id)


def all_runs(
    client: MlflowClient, experiments: list[str], tags: Mapping[str, str], view: int | None = None
) -> Iterator[Run]:
    """Yield all runs with these tags, page by page: the active ones, or those of MLflow's view."""
    from mlflow.entities import ViewType

    query = query_of(tags)
    view = view or ViewType.ACTIVE_ONLY
    token: str | None = None
    while True:
        page = client.search_runs(experiments, query, view, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
