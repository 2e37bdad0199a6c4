"""`cfexp reproduce`: the table in every format, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cfexp.bench import published
from cfexp.bench.figures import FIGURES
from cfexp.bench.published import Row
from cfexp.cli.main import app
from cfexp.cli.reproduce import HEAD
from cfexp.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [Row(figure, figure.published) for figure in FIGURES]
BAD = [*GOOD[:-1], Row(FIGURES[-1], float("nan"))]


def call(monkeypatch: pytest.MonkeyPatch, rows: list[Row], style: str) -> tuple[int, str]:
    monkeypatch.setattr(published, "reproduce", lambda _: rows)
    done = CliRunner().invoke(app, ["reproduce", "ml1m", "--format", style])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("style", ["table", "csv", "json", "markdown"])
def test_every_figure_is_written_and_the_exit_code_says_whether_all_are_met(
    monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    code, text = call(monkeypatch, GOOD, style)
    assert code == 0
    for figure in FIGURES:
        assert figure.system in text
    if style == "csv":
        assert next(tuple(line) for line in csv.reader(io.StringIO(text))) == HEAD
        assert len(list(csv.reader(io.StringIO(text)))) == len(FIGURES) + 1
    if style == "json":
        assert [row["what"] for row in json.loads(text)] == [figure.what for figure in FIGURES]
    if style == "markdown":
        assert {line.count(" | ") for line in text.splitlines()} == {len(HEAD) - 1}
    code, text = call(monkeypatch, BAD, style)
    assert code == 1
    if style == "json":
        assert json.loads(text)[-1]["ours"] is None
    if style == "table":
        assert f"{len(FIGURES) - 1} of {len(FIGURES)}" in text


def test_without_the_data_it_says_where_they_belong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CFEXP_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["reproduce", "ml1m"])
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 2
    assert "ml-1m" in str(done.exception)
