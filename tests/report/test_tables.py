from __future__ import annotations

import dataclasses
import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cfexp.report.buckets import bucket_lines, bucket_tables
from cfexp.report.tables import leaderboard_frame, leaderboard_json, leaderboard_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from cfexp.search.record import StudyRecord


def printed(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_winner_is_marked(make_study: Callable[..., StudyRecord]) -> None:
    text = printed(leaderboard_table(make_study(), 100), 100)
    (line,) = [line for line in text.splitlines() if line.strip().startswith("★") and "#" in line]
    assert "als #17" in line
    assert "alpha 1.235" in text
    assert "hides only positives" in text
    assert "600 users on test" in text


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_number_is_cut(make_study: Callable[..., StudyRecord], width: int) -> None:
    study = make_study()
    text = printed(leaderboard_table(study, width), width)
    assert "…" not in text
    assert text.count("310 ms") == 3
    for row in leaderboard_json(study)["rows"]:
        assert f"{row['metrics']['test/ndcg@10']:.4f}" in text
        assert f"{row['metrics']['val/ndcg@10']:.4f}" in text


def test_wide_terminals_show_every_metric(make_study: Callable[..., StudyRecord]) -> None:
    text = printed(leaderboard_table(make_study(), 200), 200)
    assert "coverage@10" in text
    assert "in leaderboard.csv" not in text


def test_the_frame_has_every_number(make_study: Callable[..., StudyRecord]) -> None:
    frame = leaderboard_frame(make_study())
    assert list(frame["rank"]) == [1, 2, 3, 4, 5]
    assert frame["winner"].sum() == 1
    tuned = frame.set_index("model").loc["als #17"]
    assert (tuned["seeds"], tuned["param/factors"], tuned["test/users"]) == (3, 64, 600)
    assert tuned["test/recall@10 spread"] > 0


def test_json_is_plain(make_study: Callable[..., StudyRecord]) -> None:
    content = leaderboard_json(make_study())
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_groups_of_the_winner_and_the_baselines(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    lines = bucket_lines(study)
    assert {line.stage for line in lines} == {"val", "test"}
    assert {line.label for line in lines} == {"als #17", "als default", "item_knn", "popularity"}
    for line in lines:
        assert sum(row.users for row in line.rows) == 600
    table, other = bucket_tables(study)
    text = printed(table, 100)
    assert "recall@10 by train positives, on test" in text
    assert "10-49" in text
    assert "ndcg@10 by train interactions, on test" in printed(other, 100)


def test_groups_need_vectors(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    bare = tuple(dataclasses.replace(run, vectors=None) for run in study.runs)
    assert bucket_lines(dataclasses.replace(study, runs=bare)) == []
