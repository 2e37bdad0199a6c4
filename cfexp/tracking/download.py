"""Models that MLflow holds: from a `models:/...` or `runs:/...` URI to our file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cfexp.addresses import redacted
from cfexp.errors import ModelFileError, TrackingError
from cfexp.tracking.address import SQLITE, is_missing, tracking_uri
from cfexp.tracking.client import open_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMES = ("models:/", "runs:/")


def is_model_uri(name: str) -> bool:
    """Return whether `name` is the URI of a model in MLflow.

    >>> is_model_uri("runs:/0a1b/model"), is_model_uri("model.npz")
    (True, False)
    """
    return name.startswith(_SCHEMES)


def download_model(uri: str, folder: Path, *, home: Path, store: str | None = None) -> Path:
    """Copy a model that a study logged into `folder` and return the path of its .npz file.

    Nothing of it is run: MLflow's own loading would execute the model's code.

    Raises
    ------
    TrackingError
        When MLflow cannot be reached or knows no such model.
    ModelFileError
        When it is a model of something else.
    """
    where = tracking_uri(store, home)
    if is_missing(where):
        raise TrackingError(
            f"cannot get {uri}: there is no {where.removeprefix(SQLITE)} yet; name the home with "
            "--home or the store with --tracking-uri"
        )
    open_client(where, home)
    from mlflow.artifacts import download_artifacts

    try:
        with _global_uri(where):
            got = download_artifacts(
                artifact_uri=uri, dst_path=str(folder), tracking_uri=where, registry_uri=where
            )
    except Exception as error:
        raise TrackingError(f"cannot get {uri} from MLflow: {redacted(error)}") from error
    found = sorted(file for file in folder.rglob("model.npz") if file.is_file())
    if not found:
        raise ModelFileError(f"{uri} is not a model that cfexp logged: no model.npz in {got}")
    return found[0]


@contextmanager
def _global_uri(uri: str) -> Iterator[None]:
    """Make `uri` MLflow's global address for a while: what resolves a model asks for it.

    MLflow keeps it in the environment too, where later studies would find it, and prefers what
    was set here ever after.
    """
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        # None unsets it, in the environment too, whatever its annotation says.
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before
