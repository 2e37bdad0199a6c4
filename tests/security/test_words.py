"""Words from strangers and passwords: what must not reach a terminal, a page or a log."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cfexp import studies
from cfexp.cli.main import main
from cfexp.report.write import _bullets
from cfexp.tracking import ui
from cfexp.tracking.address import login_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "S3NT1NEL"  # noqa: S105 - it must not be found
ADDRESS = f"postgresql://ann:{SECRET}@127.0.0.1:9/db"


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command line in this process; return what it wrote, and its exit code first."""

    def run(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["cfexp", *map(str, arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        written = capsys.readouterr()
        return f"{code}\n{written.out}{written.err}"

    return run


def test_a_terminal_acts_on_nothing_in_an_error(say: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('"\\u001b[31mred\\u202e" = 1\nname = "\\u001b]0;title\\u0007"\n')
    said = say("run", file)
    assert said.startswith("2\nerror:")
    assert "red" in said
    assert all(c.isprintable() or c == "\n" for c in said)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ui", "--tracking-uri", f"postgresql://ann:{SECRET}@h:port/db"),
        ("ui", "--tracking-uri", f"postgresql://ann:{SECRET}@[::bad/db"),
        ("ui", "--tracking-uri", f"postgresql://ann:a/{SECRET}@h/db"),
        ("ui", "--tracking-uri", f"http://ann:{SECRET}@127.0.0.1:9"),
        ("ui", "--tracking-uri", ADDRESS),
        ("sync", "absent", "--tracking-uri", ADDRESS),
        ("recommend", "models:/x/1", "7", "--tracking-uri", f"postgresql://a:{SECRET}@h:port/d"),
    ],
)
def test_passwords_are_in_no_output(
    arguments: tuple[str, ...], say: Callable[..., str], tmp_path: Path
) -> None:
    said = say(*arguments, "--home", tmp_path / "home")
    assert said.strip() not in {"", "0"}
    assert SECRET not in said
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes(), file


@pytest.mark.slow
def test_the_log_of_a_server_that_has_ended_holds_no_password(tmp_path: Path) -> None:
    uri = f"nothing://ann:{SECRET}@127.0.0.1:9/db"  # MLflow repeats what it does not know
    with pytest.raises(ui.TrackingError, match="did not start") as caught:
        ui.serve_ui(tmp_path, uri, say=lambda _: None)
    assert SECRET not in str(caught.value)
    log = tmp_path / "ui.log"
    assert "nothing://***@" in log.read_text()
    assert SECRET not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_nor_in_an_error_that_nobody_expected(
    say: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"cannot connect to {ADDRESS}?sslpassword={SECRET} \x1b[31m")

    monkeypatch.setattr(studies, "open_study", broken)
    said = say("sync", "x", "--home", tmp_path)
    assert said.startswith("1\nTraceback")
    assert "postgresql://***@127.0.0.1:9/db" in said
    assert SECRET not in said
    assert "\x1b" not in said


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/b", "..", ""])
def test_a_study_s_name_is_no_path(name: str, say: Callable[..., str], tmp_path: Path) -> None:
    assert say("report", name, "--home", tmp_path).startswith("2\nerror:")
    assert list(tmp_path.iterdir()) == []


def test_memory_that_runs_out_is_an_error(
    say: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(studies, "open_study", greedy)
    assert say("sync", "x", "--home", tmp_path).startswith("1\nerror: memory ran out")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.9", "0.0.0.0", "192.0.2.7"])  # noqa: S104
def test_a_server_that_others_can_reach_is_warned_of(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[str] = []

    @contextlib.contextmanager
    def fake(_home: Path, _uri: str, _port: int | None, host: str) -> Iterator[None]:
        started.append(host)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(ui, "running_ui", fake)
    said: list[str] = []
    ui.serve_ui(tmp_path, say=said.append, host=host)
    assert started == [host]
    warned = [line for line in said if line.startswith(f"warning: listening on {host}.")]
    assert bool(warned) == (host in {"0.0.0.0", "192.0.2.7"})  # noqa: S104


def test_an_address_that_is_not_ours_is_an_error(home_with_database: Path) -> None:
    with pytest.raises(ui.TrackingError, match=r"192\.0\.2\.7 is taken, or the address is not"):
        ui.serve_ui(home_with_database, port=5999, host="192.0.2.7", say=lambda _: None)


@pytest.fixture
def home_with_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr(ui, "check_database", lambda _: None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_the_login_that_mlflow_keeps_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    assert login_header("https://host") == {}
    kept = tmp_path / ".mlflow" / "credentials"
    kept.parent.mkdir()
    kept.write_text("[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = s@x\n")
    assert login_header("https://host") == {"Authorization": "Basic YW5uOnNAeA=="}
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    assert login_header("https://host") == {"Authorization": "Basic Ym9iOnNAeA=="}
    kept.write_text("no [section")
    assert login_header("https://host") == {"Authorization": "Basic Ym9iOg=="}


def test_words_are_no_markdown() -> None:
    words = _bullets(
        ["<script>alert(1)</script>", "![x](javascript:1) *a* `b`"], ["# \x1b[1m\n# c"]
    )
    assert "<script" not in words
    assert "![x]" not in words
    assert "\x1b" not in words
    assert words.count("\n# ") == 0
    assert r"\*a\*" in words
