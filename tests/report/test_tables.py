from __future__ import annotations

import dataclasses
import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cfexp.report.buckets import bucket_lines, bucket_tables
from cfexp.report.tables import leaderboard_frame, leaderboard_json, leaderboard_table
from cfexp.report.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from cfexp.search.store.record import StudyRecord


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


LONG = "a rather long name of a model, and_one_word_in_it_that_will_not_fit_in_24_characters"


def test_no_name_is_cut(make_study: Callable[..., StudyRecord]) -> None:
    study = named(make_study(), LONG)
    for table in (leaderboard_table(study, 50), *bucket_tables(study, 100)):
        column = "".join(line[5:29] for line in printed(table, 50).splitlines())
        assert "".join(LONG.split()) in "".join(column.split())
    name = "a name of fifty characters, in which no line breaks"
    assert f"{name} #17 " in printed(leaderboard_table(named(make_study(), name), 120), 120)


def named(study: StudyRecord, name: str) -> StudyRecord:
    """Rename the tuned model."""
    runs = tuple(
        dataclasses.replace(run, entry=name) if run.entry == "als" else run for run in study.runs
    )
    return dataclasses.replace(study, runs=runs)


def test_markup_and_escapes_do_not_act(make_study: Callable[..., StudyRecord]) -> None:
    study = named(make_study(name="f[red]ilms\x1b[31m\n[/]"), "[red]x[/] \x1b]0;title\x07\nnew")
    for table in (leaderboard_table(study, 140), *bucket_tables(study, 140)):
        text = printed(table, 140)
        assert "[red]x[/] ]0;title new #17" in text
        assert "\x1b" not in text
    assert "f[red]ilms [31m [/]: leaderboard" in printed(leaderboard_table(study, 140), 140)
    assert all(line.isprintable() for line in verdict(study))


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


@pytest.mark.parametrize("edges", [[10], [2, 5, 10, 20, 50, 100]])
def test_groups_fit_a_narrow_terminal(
    make_study: Callable[..., StudyRecord], edges: list[int]
) -> None:
    buckets = [{"metric": "recall@10", "by": "train_positives", "edges": edges}]
    study = make_study()
    study = dataclasses.replace(study, spec=study.spec | {"buckets": buckets})
    (table,) = bucket_tables(study, 80)
    text = printed(table, 80)
    shown = [line for line in bucket_lines(study) if line.stage == "test"]
    assert max(map(len, text.splitlines())) <= 80
    for line in shown:
        assert line.label in " ".join(text.split())
        for row in line.rows:
            assert row.mean is None or f"{row.mean:.4f}" in text
            assert row.label in text
    stacked = "group" in text.splitlines()[1] + text.splitlines()[2]
    assert stacked == (len(edges) > 1), "groups stand beside one another where they fit"


def test_groups_need_vectors(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    bare = tuple(dataclasses.replace(run, vectors=None) for run in study.runs)
    assert bucket_lines(dataclasses.replace(study, runs=bare)) == []
