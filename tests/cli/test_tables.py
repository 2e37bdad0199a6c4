"""Tables of studies on a terminal of 80 columns: names stay whole."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cfexp.cli import listing, plain_table

NAMES = ["listens-2024-published-search", "online-retail-novel"]


def row(study: str, data: str) -> dict[str, Any]:
    values = (study, "interrupted", 25, 30, "ndcg@10", 0.0944, "als #3", "als #3", 0.108, data)
    return dict(zip(listing.COLUMNS, (*values, "2026-01-02T03:04:05+00:00"), strict=True))


@pytest.mark.parametrize("data", ["synthetic", "plays-of-2024-and-2025.tsv.gz"])
@pytest.mark.parametrize("names", [NAMES, ["plays"]])
def test_names_of_studies_stay_whole(
    names: list[str], data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(plain_table, "table_console", lambda: Console(file=text, width=80))
    listing.show([row(name, data) for name in names])
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for name in names:
        assert sum(name in line and "interrupted" in line for line in lines) == 1
    assert ("2026-01-02" in text.getvalue()) == (names != NAMES)


def test_a_pipe_has_no_width(capsys: pytest.CaptureFixture[str]) -> None:
    listing.show([row("online-retail-novel-of-customers", "online_retail.parquet")])
    printed = capsys.readouterr().out
    assert "online_retail.parquet  2026-01-02" in printed
