from __future__ import annotations

import dataclasses
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cfexp.errors import InputError, TrackingError
from cfexp.tracking import ui
from cfexp.tracking.address import login_header
from cfexp.tracking.client import open_client
from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.ui import running_ui, serve_ui, study_links

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord


def fail(message: str) -> None:
    raise AssertionError(message)


@pytest.mark.slow
def test_a_real_server(
    home: Path, tmp_path: Path, study: StudyRecord, make_study: Callable[..., StudyRecord]
) -> None:
    MlflowTracker(None, home, say=fail).complete(study)
    with running_ui(home) as (base, _):
        with urllib.request.urlopen(f"{base}/") as page:  # noqa: S310
            assert page.status == 200
        found = study_links(base)
        assert "viewStateShareKey=cfexp-trials" in found["trials"]
        assert study_links(base, "absent") == {}
        said: list[str] = []
        serve_ui(home, base, say=said.append)
        assert len(said) == 4
        # A study tracked through the server, its files included, and once more.
        remote = dataclasses.replace(make_study(Path(study.folder)), name="remote")
        for _ in range(2):
            links = MlflowTracker(base, tmp_path, say=fail).complete(remote)
            assert links is not None
            assert links["report"].startswith(base)
        client = open_client(base, tmp_path)
        experiment = client.get_experiment_by_name("remote")
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        assert len(runs) == 1 + len(remote.runs)
        parent = links["report"].split("/runs/")[1].split("/")[0]
        assert "leaderboard.csv" in {file.path for file in client.list_artifacts(parent)}
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{base}/health", timeout=2)  # noqa: S310


@pytest.mark.slow
def test_files_that_lie_in_the_home_are_not_imported(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "queue", "mlflow", "logging"):
        (home / f"{name}.py").write_text("raise SystemExit('a file of the user was imported')\n")
    monkeypatch.chdir(home)
    with (
        running_ui(home) as (base, _),
        urllib.request.urlopen(f"{base}/health") as page,  # noqa: S310
    ):
        assert page.status == 200
    assert "of the user" not in (home / "ui.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly(home: Path, name: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path; from cfexp.tracking.ui import serve_ui;"
        "serve_ui(Path(sys.argv[1]), say=lambda line: print(line, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        address = process.stdout.readline().split()[-1]
        process.stdout.readline()
        process.send_signal(name)
        assert process.wait(60) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address}/health", timeout=2)  # noqa: S310


def test_logins_stay_out_of_links_and_in_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login_header("https://ann:s%40x@host") == {"Authorization": "Basic YW5uOnNAeA=="}
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t")
    assert login_header("https://host") == {"Authorization": "Bearer t"}


def test_a_home_without_studies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was tracked"):
        serve_ui(tmp_path)


def test_a_taken_port_is_an_error(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(TrackingError, match="is taken"):
            serve_ui(home, port=taken.getsockname()[1])


@pytest.mark.slow
def test_another_server_is_not_taken_for_ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        # It has taken the port between our look at it and our server's start.
        monkeypatch.setattr(ui, "_free_port", lambda *_: other.server_port)
        with pytest.raises(TrackingError, match="did not start"), running_ui(home):
            pass
        other.shutdown()


def test_links_of_a_server_that_is_down_are_empty() -> None:
    assert study_links("http://127.0.0.1:9") == {}
    assert study_links("http://127.0.0.1:port") == {}


def test_addresses_are_checked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match="percent-encode"):
        serve_ui(tmp_path, "https://ann:s3cr/et@host")
    with pytest.raises(TrackingError, match="choose another --home"):
        serve_ui(tmp_path / "what?")


def test_a_study_that_is_not_tracked_is_said() -> None:
    said: list[str] = []
    ui._announce("http://127.0.0.1:5000", {}, "nope", said.append)
    assert said == ["Study 'nope' was not found there.", "MLflow: http://127.0.0.1:5000"]
