from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cfexp.errors import TrackingError
from cfexp.tracking.client import be_impatient, be_patient, check_database, open_client

OPEN = """
import sys
from pathlib import Path
from cfexp.errors import TrackingError
from cfexp.tracking.client import open_client
try:
    open_client(sys.argv[1], Path(sys.argv[2]))
except Exception as error:
    print("refused")
"""


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "http"])
def test_what_is_unreachable_costs_seconds_and_prints_nothing(scheme: str, tmp_path: Path) -> None:
    if "psycopg" in scheme:
        pytest.importorskip("psycopg")
    address = f"{scheme}://ann:secret@127.0.0.1:9/db"
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", OPEN, address, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - begin < 30
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_a_database_that_never_answers_is_given_up() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"postgresql+psycopg://ann:secret@127.0.0.1:{silent.getsockname()[1]}/db"
        begin = time.monotonic()
        with pytest.raises(TrackingError) as refused:
            check_database(address)
    assert time.monotonic() - begin < 20
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database" * 99)
    begin = time.monotonic()
    with pytest.raises(TrackingError, match="not a database"):
        open_client(f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(("own", "later"), [(None, "10"), ("3", "3"), ("90", "90")])
def test_at_a_study_s_end_a_call_may_take_longer(
    own: str | None, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, own or "")
        if own is None:
            monkeypatch.delenv(name)
    be_impatient()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == (own or "3")
    be_patient()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == later
