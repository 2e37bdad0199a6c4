"""Opening MLflow: quiet, bounded in time, created whole or not at all, one at a time."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cfexp.errors import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that is down costs about 3 seconds; MLflow's own settings make it 247.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}
_SQLITE = "sqlite:///"
_LOCK_SECONDS = 120


def tracking_uri(uri: str | None, home: Path) -> str:
    """Return `uri`, else MLFLOW_TRACKING_URI, else the SQLite database in `home`."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{home.absolute()}/mlflow.db"


def is_server(uri: str) -> bool:
    """Return whether `uri` is a server's address rather than a database's."""
    return uri.startswith(("http://", "https://", "databricks"))


def redacted(message: object) -> str:
    """Return a message whose URLs have lost their passwords.

    >>> redacted("cannot reach postgresql://ann:secret@host/db")
    'cannot reach postgresql://ann:***@host/db'
    """
    return re.sub(r"(://[^\s:/@]*):[^\s/]*@", r"\1:***@", str(message))


def without_login(uri: str) -> str:
    """Return a server's address without user and password, fit for a link.

    >>> without_login("https://ann:secret@host/mlflow")
    'https://host/mlflow'
    """
    return re.sub(r"://[^/@]*@", "://", uri)


def login_header(uri: str) -> dict[str, str]:
    """Return the header that logs in as the address or MLflow's variables say."""
    parts = urlsplit(uri)
    user = parts.username or os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = parts.password or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    if user:
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def quiet_environment() -> dict[str, str]:
    """Return the environment for MLflow: the user's settings win over ours."""
    return _SETTINGS | os.environ


def open_client(uri: str, home: Path) -> MlflowClient:
    """Return a client whose store is reachable, creating the database where needed.

    Processes that come at once wait for each other: three that create one SQLite
    database together break it for good. A new one appears under its name only when it
    is complete, so that a process killed half-way leaves nothing behind.
    """
    from filelock import FileLock

    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "mlflow.lock", timeout=_LOCK_SECONDS):
        if uri.startswith(_SQLITE):
            _create_sqlite(Path(uri.removeprefix(_SQLITE)))
        return _connect(uri)


def _create_sqlite(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    _connect(f"{_SQLITE}{unfinished}")
    unfinished.rename(path)


def _connect(uri: str) -> MlflowClient:
    import logging

    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def open_experiment(client: MlflowClient, uri: str, home: Path, name: str) -> str:
    """Return the id of the experiment `name`, created or restored where needed.

    Without a server the artifacts' folder must be absolute, or MLflow writes below
    whatever folder is current; a server chooses for itself.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        folder = None if is_server(uri) else (home.absolute() / "artifacts" / name).as_uri()
        tags = {"cfexp.study": name, "mlflow.experimentKind": "custom_model_development"}
        return client.create_experiment(name, artifact_location=folder, tags=tags)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if not is_server(uri) and found.artifact_location.startswith("mlflow-artifacts:"):
        raise TrackingError(
            f"experiment {name!r} was made through an MLflow server, which alone can write "
            f"its files; name that server with --tracking-uri http://... or use another --home"
        )
    return str(found.experiment_id)
