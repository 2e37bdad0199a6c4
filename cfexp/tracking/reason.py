"""Why MLflow failed, in a few words and without what is secret."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cfexp.addresses import redacted
from cfexp.analysis.words import plain
from cfexp.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = 300  # characters
# What MLflow's long words about a request that had no answer come down to.
_SILENT = {
    "timed out": "it does not answer in time",
    "Connection refused": "connection refused",
    "Name or service not known": "there is no such host",
    "closed connection without response": "it hangs up without an answer",
    "Connection aborted": "it hangs up without an answer",
}


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn MLflow's failures inside the block into a TrackingError that begins with `what`."""
    from filelock import Timeout
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError, Timeout) as error:
        raise TrackingError(f"{what}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return on one line why MLflow failed, without what is secret."""
    code = getattr(error, "error_code", None)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    names = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    if code == "UNAUTHENTICATED" and user:
        return f"it refuses the password of user {plain(user)!r}, or the user; see {names}"
    if code == "UNAUTHENTICATED":
        return f"it asks for a login, or refuses the one in its address; set {names}"
    text = str(error)
    if failed := re.search(r"too many (\d+) error responses", text):
        return f"it answers {failed[1]}, an error of its own"
    for sign, words in _SILENT.items():
        if sign in text and "://" in text:
            return words
    lines = redacted(error).strip().splitlines() or [type(error).__name__]
    return plain(lines[0])[:_LENGTH]
