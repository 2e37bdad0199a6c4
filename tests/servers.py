"""Real servers for tests: run until a block ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: list[str],
    ready: Callable[[], bool],
    log: Path,
    end: signal.Signals = signal.SIGINT,
    **how: Any,  # noqa: ANN401 - of `Popen`
) -> Iterator[None]:
    """Run a server until the block ends; `ready` says when it answers."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True, **how
        )
    try:
        late = time.monotonic() + 120
        while not ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < late, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, end)
        process.wait(30)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Run PostgreSQL, as a user without rights; gives the address of its databases, without one."""
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

        with running(server, ready, folder / "log", signal.SIGQUIT, cwd=folder, **how):
            yield f"postgresql+psycopg://ann:of%20the%20database@127.0.0.1:{port}"


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
