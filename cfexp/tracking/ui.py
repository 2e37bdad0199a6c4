"""`cfexp ui`: MLflow's own UI on the store that studies wrote to, opened on a study."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from cfexp.addresses import redacted
from cfexp.analysis.words import plain
from cfexp.errors import InputError, TrackingError
from cfexp.tracking import view
from cfexp.tracking.address import (
    check_address,
    is_missing,
    is_server,
    login_header,
    tracking_uri,
    without_login,
)
from cfexp.tracking.client import check_database, quiet_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0", ""}  # noqa: S104 - what a warning is given for
DEFAULT_PORT = 5000
_START_SECONDS = 120
_STOP_SECONDS = 10
_ANSWER_SECONDS = 5
_OWN_SECONDS = 20
_TAIL = 8  # lines


def serve_ui(  # noqa: PLR0917 - the command's options in their order
    home: Path,
    uri: str | None = None,
    port: int | None = None,
    study: str | None = None,
    say: Callable[[str], None] = print,
    host: str = HOST,
) -> None:
    """Start MLflow's UI, say where it is, and serve until Ctrl-C.

    It listens on loopback, or with a warning on another `host`. `port` None takes 5000, or a
    free one where that is taken. `study` None opens the
    one that was written to last. When `uri` is a server already, only the address is
    said. Raises `InputError` when nothing was tracked yet, `TrackingError` when the port is taken.
    """
    uri = tracking_uri(uri, home)
    check_address(uri)
    if is_server(uri):
        _announce(without_login(uri), study_links(uri, study), study, say)
        return
    if not _is_loopback(host):
        say(
            f"warning: listening on {plain(host)}. Whoever reaches this address can read, change "
            f"and delete everything tracked, without a login; {HOST} is for this machine alone."
        )
    _stop_on_signals()
    running = running_ui(home, uri, port, host)
    with contextlib.suppress(KeyboardInterrupt), running as (base, process):
        _announce(base, study_links(base, study), study, say)
        say("Ctrl-C stops it.")
        process.wait()
        raise TrackingError(f"MLflow's UI ended; the end of its log:\n{_tail(home / 'ui.log')}")


def _stop_on_signals() -> None:
    """Let a closed terminal or `kill` end the server too, as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.default_int_handler)


@contextlib.contextmanager
def running_ui(
    home: Path, uri: str | None = None, port: int | None = None, host: str = HOST
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `mlflow server` while the block runs; gives its address and process."""
    uri = tracking_uri(uri, home)
    check_address(uri)
    if is_missing(uri):
        raise InputError(f"nothing was tracked in {home} yet; `cfexp run STUDY.toml` does")
    check_database(uri)
    port = _free_port(port, host)
    with tempfile.TemporaryDirectory(prefix="cfexp-ui-") as empty:
        process = _start(home, uri, (host, port), empty)
        try:
            base = f"http://{HOST if host in _EVERYWHERE else host}:{port}"
            _wait(base, process, home / "ui.log")
            yield base, process
        finally:
            _stop(process)
            _mask(home / "ui.log")


def _start(home: Path, uri: str, address: tuple[str, int], empty: str) -> subprocess.Popen[bytes]:
    """Start the server: one worker, no job queue; four and a queue take 3 GB.

    Its current folder is `empty`: MLflow's own children import from there, so that a
    numpy.py among the user's files would be taken for the library.
    """
    artifacts = (home.absolute() / "artifacts").as_uri()
    # The database's address may hold a password, and command lines are public.
    settings = {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": artifacts,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    host, port = address
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", host]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "ui.log").open("wb") as log:
        os.fchmod(log.fileno(), 0o600)  # what MLflow says of a database can hold its password
        return subprocess.Popen(  # noqa: S603 - fixed arguments
            [*command, "--port", str(port), "--workers", "1"],
            cwd=empty,
            env=quiet_environment() | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us first, and we stop the whole group
        )


def _mask(log: Path) -> None:
    """Take passwords out of the log of a server that has ended."""
    log.write_text(redacted(log.read_text(errors="replace")))


def _stop(process: subprocess.Popen[bytes]) -> None:
    for name in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return


def _wait(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until our own server answers: another's may have taken the port meanwhile.

    Ours writes what it is asked into its log. A server that keeps no such log is taken
    for ours when it still runs some seconds after the first answer.
    """
    asked = secrets.token_hex(8)
    answered: float | None = None
    end = time.monotonic() + _START_SECONDS
    while (now := time.monotonic()) < end and process.poll() is None:
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            urllib.request.urlopen(  # noqa: S310 - our own http
                f"{base}/health?{asked}", timeout=_ANSWER_SECONDS
            ),
        ):
            answered = answered or now
            if asked in log.read_text(errors="replace") or now > answered + _OWN_SECONDS:
                return
        time.sleep(0.1)
    raise TrackingError(f"MLflow's UI did not start; the end of {log}:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return redacted("\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:]))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_port(port: int | None, host: str) -> int:
    for wanted in (port,) if port else (DEFAULT_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, wanted))
                return int(probe.getsockname()[1])
    which = f"port {port}" if port else "every port"
    raise TrackingError(
        f"{which} of {host} is taken, or the address is not this machine's; leave --port out to "
        "take a free one, and --host for this machine alone"
    )


def study_links(base: str, study: str | None = None) -> dict[str, str]:
    """Return the links of `study`, or of the newest one; empty when there is none.

    Asks the server, so that nothing heavy is imported. Whatever fails here costs no
    more than the links.
    """
    try:
        experiments = _search(base, study)
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return {}
    if not experiments:
        return {}
    newest = experiments[0]
    tags = {tag["key"]: tag["value"] for tag in newest.get("tags", [])}
    return view.links(without_login(base), newest["experiment_id"], tags)


def _search(base: str, study: str | None) -> list[dict[str, Any]]:
    body: dict[str, Any] = {"max_results": 100, "order_by": ["last_update_time DESC"]}
    if study is not None:
        body["filter"] = "tags.`cfexp.study` = '" + study.replace("'", "") + "'"
    request = urllib.request.Request(  # noqa: S310 - http(s) by is_server
        f"{without_login(base).rstrip('/')}/api/2.0/mlflow/experiments/search",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"} | login_header(base),
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
        experiments: list[dict[str, Any]] = json.load(answer).get("experiments", [])
    ours = "cfexp.study"
    return [e for e in experiments if any(tag["key"] == ours for tag in e.get("tags", []))]


def _announce(
    base: str, links: dict[str, str], study: str | None, say: Callable[[str], None]
) -> None:
    if not links:
        if study is not None:
            say(f"Study {plain(study)!r} was not found there.")
        say(f"MLflow: {base}")
        return
    names = {
        "runs": "All runs",
        "trials": "Trials charted",
        "tested": "Baselines and finals",
        "report": "Report and files",
    }
    for name in (name for name in names if name in links):
        say(f"{names[name] + ':':<22}{links[name]}")
