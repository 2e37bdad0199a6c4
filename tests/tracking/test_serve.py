"""`mlflow models serve` on a study's model: a real server, asked over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers import SMALL, spec_of
from typer.testing import CliRunner

import cfexp
from cfexp.cli.main import app
from cfexp.studies import register

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the study `small`, registered as `shop`."""
    folder = tmp_path_factory.mktemp("serve")
    text = SMALL.replace("trials = 8", "trials = 2")
    home = folder / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        cfexp.run_study(spec_of(text, folder), home=home)
        register(home, "small", "shop")
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Serve the champion, as the README says, and stop the server afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/shop@champion"]
    # MLflow finds uvicorn as a shell does: by the PATH that an active environment sets.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    store = f"sqlite:///{home}/mlflow.db"
    log = home / "serve.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
            env=os.environ | {"PATH": path, "MLFLOW_TRACKING_URI": store},
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):
        try:
            end = time.monotonic() + 120
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5),
                ):
                    break
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def post(address: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 - our own http
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def told(home: Path, *arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(
        app, ["recommend", "small", *arguments, "--json", "--home", str(home)]
    )
    assert done.exit_code == 0, done.exception
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def same(served: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    assert rows
    for row, other in zip(served, rows, strict=True):
        assert row.pop("score") == pytest.approx(other.pop("score"), abs=1e-6)
        assert row == {"title": None} | other


@pytest.mark.parametrize(
    ("params", "flags"),
    [
        ({}, []),
        ({"k": 3}, ["-k", "3"]),
        ({"k": 120, "filter_seen": False}, ["-k", "120", "--include-seen"]),
        ({"filter_seen": True}, ["--filter-seen"]),
    ],
)
def test_the_answer_is_that_of_cfexp_recommend(
    params: dict[str, Any], flags: list[str], home: Path, address: str
) -> None:
    rows = [{"user": 7}, {"user": 3}, {"user": 150}]
    status, answer = post(address, {"dataframe_records": rows, "params": params})
    assert status == 200
    same(answer["predictions"], told(home, "7", "3", "150", *flags))


def test_a_history_is_folded_in(home: Path, address: str) -> None:
    saved = cfexp.load(home / "studies" / "small" / "model" / "model.npz")
    assert saved.items is not None
    past = saved.scorer.history[saved.user_codes(np.array([7]))]
    assert past.rank is not None
    oldest_first = (-past.rank).argsort()
    history = saved.items.ids[past.indices[oldest_first]].tolist()
    values = past.data[oldest_first].tolist()  # how often
    rows = [{"user": "someone new", "history": history, "values": values}, {"user": 7}]
    status, answer = post(address, {"dataframe_records": rows, "params": {"k": 5}})
    assert status == 200
    known = told(home, "7", "-k", "5")
    own = [row for row in answer["predictions"] if row["user"] == "someone new"]
    same([row | {"user": 7} for row in own], known)


def test_an_unknown_user_is_named(address: str) -> None:
    status, answer = post(address, {"dataframe_records": [{"user": 7}, {"user": 100_000}]})
    assert status == 400
    assert "1 of 2 users are not among the 200 users of" in answer["message"]
    assert "100000; for others, give a history" in answer["message"]


def test_the_model_s_own_example_is_answered(home: Path, address: str) -> None:
    (example,) = (home / "artifacts").rglob("serving_input_example.json")
    status, answer = post(address, json.loads(example.read_text()))
    assert status == 200
    assert len(answer["predictions"]) == 20
