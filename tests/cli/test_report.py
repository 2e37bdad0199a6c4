"""`cfexp report` on a study that was run."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import SMALL, call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `mlruns` holds the study `small`."""
    folder = tmp_path_factory.mktemp("reported")
    (folder / "small.toml").write_text(SMALL)
    done = call("run", "small.toml", "--no-track", "--trials", "3", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "mlruns/studies/small/report/report.html" in done.stdout
    return folder


def test_the_page_is_written_anew_and_named(folder: Path) -> None:
    page = folder / "mlruns" / "studies" / "small" / "report" / "report.html"
    before = page.read_text()
    page.unlink()
    done = call("report", "small", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "mlruns/studies/small/report/report.html"
    assert page.read_text() == before


def test_another_file_and_another_home(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "small.html"
    done = call("report", "small", "-o", target, "--home", folder / "mlruns", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, str(target))
    assert "<title>small</title>" in target.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_it_is_opened_only_when_asked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    target = tmp_path / "a b.html"
    assert call("report", "small", "-o", target, cwd=folder).returncode == 0
    assert not seen.exists()
    assert call("report", "small", "-o", target, "--open", cwd=folder).returncode == 0
    assert seen.read_text().strip() == target.as_uri()
    monkeypatch.setenv("BROWSER", "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    done = call("report", "small", "-o", target, "--open", cwd=folder)
    assert done.returncode == 1
    assert f"open {target} by hand" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("smal",), "there is no study 'smal'"),
        (("small", "-o", "mlruns"), "mlruns cannot be written: Is a directory"),
        (("small", "-o", "small.toml/x.html"), "small.toml/x.html cannot be written"),
        (("small", "--home", "none"), "nothing was run in none yet"),
        ((), "Missing argument"),
    ],
)
def test_mistakes_are_exit_code_2(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    done = call("report", *arguments, cwd=folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
