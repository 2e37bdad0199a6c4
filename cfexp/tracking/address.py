"""Where MLflow is: its address, checked, and shown without what is secret in it."""

from __future__ import annotations

import base64
import configparser
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cfexp.addresses import ambiguity
from cfexp.errors import TrackingError

SQLITE = "sqlite:///"
_LOCAL = (SQLITE, "file:")


def tracking_uri(uri: str | None, home: Path) -> str:
    """Return `uri`, else MLFLOW_TRACKING_URI, else the SQLite database in `home`.

    The path of an SQLite database is made absolute.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{home}/mlflow.db"
    if uri.startswith(SQLITE):
        return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).absolute()}"
    return uri


def is_server(uri: str) -> bool:
    """Return whether `uri` is a server's address rather than a database's."""
    return uri.startswith(("http://", "https://", "databricks"))


def is_missing(uri: str) -> bool:
    """Return whether `uri` is an SQLite database that was not made yet."""
    return uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()


def check_address(uri: str) -> None:
    """Refuse an address that would be read in another way than it is meant.

    Raises
    ------
    TrackingError
        When the path of an SQLite database holds what SQLAlchemy takes for syntax, or
        a login holds what ends a login.
    """
    if uri.startswith(SQLITE):
        from sqlalchemy import make_url

        path = uri.removeprefix(SQLITE)
        if make_url(uri).database != path:
            character = "?" if "?" in path else "%"
            raise TrackingError(
                f"MLflow cannot open a database whose path holds {character!r}: {path}; "
                f"choose another --home"
            )
    elif not uri.startswith(_LOCAL) and (wrong := ambiguity(uri)) is not None:
        raise TrackingError(wrong)


def without_login(uri: str) -> str:
    """Return an address without login and settings, fit for a link.

    >>> without_login("https://ann:secret@host/mlflow?token=x")
    'https://host/mlflow'
    """
    if uri.startswith(_LOCAL):
        return uri
    scheme, separator, rest = uri.partition("://")
    return scheme + separator + re.split(r"[?#]", rest.rpartition("@")[2])[0]


def login_header(uri: str) -> dict[str, str]:
    """Return the header that logs in as the address, MLflow's variables or its file say."""
    parts = urlsplit(uri)
    kept = _kept_login()
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    user, password = (os.environ.get(name) or kept.get(name.lower(), "") for name in names)
    if parts.username:
        user, password = unquote(parts.username), unquote(parts.password or "")
    if user:
        pair = f"{user}:{password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _kept_login() -> dict[str, str]:
    """Return what `~/.mlflow/credentials` says, as MLflow itself reads it."""
    kept = configparser.ConfigParser()
    try:
        kept.read(Path("~/.mlflow/credentials").expanduser())
        return dict(kept["mlflow"])
    except (configparser.Error, KeyError, RuntimeError, OSError, UnicodeDecodeError):
        return {}
