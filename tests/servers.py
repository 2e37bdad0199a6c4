"""Real servers for tests: MLflow's own, and PostgreSQL's; they can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cfexp.tracking.client import quiet_environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A server in a process group of its own; `ready` says when it answers."""

    def __init__(
        self,
        command: list[str],
        ready: Callable[[], bool],
        log: Path,
        **how: Any,  # noqa: ANN401 - of Popen
    ) -> None:
        self._command = command
        self._ready = ready
        self.log = log
        self._how = how

    def start(self) -> None:
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                self._command,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._how,
            )

    def wait(self) -> None:
        end = time.monotonic() + 120
        while not self._ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def signal(self, number: int) -> None:
        """Send a signal to all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            self.wait()
            yield
        finally:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGINT)
            self.process.wait(30)


def mlflow_service(
    folder: Path, store: str, *arguments: str, **environment: str
) -> tuple[Service, str]:
    """Return `mlflow server`, files proxied, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--artifacts-destination", (folder / "files").as_uri()]
    own = {"MLFLOW_BACKEND_STORE_URI": store, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    base = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{base}/health", timeout=5),  # noqa: S310
        ):
            return True
        return False

    everything = quiet_environment() | own | environment
    log = folder / "server.log"
    return Service([*command, *arguments], ready, log, cwd=folder, env=everything), base


@contextlib.contextmanager
def postgres_service() -> Iterator[tuple[Service, str]]:
    """Give a PostgreSQL server, run by a user without rights, and its address with no database."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [
        Path(shutil.which("postgres") or "")
    ]
    tools = found[-1].parent
    if not (tools / "initdb").is_file():
        pytest.skip("needs PostgreSQL's server")
    how = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="cfexp-postgres-") as name:
        folder = Path(name)
        (folder / "password").write_text("of the database")
        if how:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        initdb = [tools / "initdb", "-D", folder / "data", "-U", "ann", "-A", "scram-sha-256"]
        flags = [f"--pwfile={folder}/password", "--no-sync"]
        subprocess.run([*initdb, *flags], check=True, capture_output=True, cwd=folder, **how)
        port = free_port()
        server = [str(tools / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", ""]
        server += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]

        asked = [str(tools / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]

        def ready() -> bool:
            return subprocess.run(asked, check=False).returncode == 0

        service = Service(server, ready, folder / "log", cwd=folder, **how)
        with service.running():
            yield service, f"postgresql+psycopg://ann:of%20the%20database@127.0.0.1:{port}"


def new_database(server: str) -> str:
    """Make an empty database and return its address."""
    name = f"db{uuid.uuid4().hex}"
    run_sql(f"{server}/postgres", f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def run_sql(address: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, each at once; gives the rows of the last."""
    import psycopg

    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []
