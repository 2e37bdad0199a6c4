"""The small parts of which the page is made."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from cfexp.report.cleaning import cleaning_frame
from cfexp.report.html.costs import time_spent, total, under_way
from cfexp.report.html.curves import learning_curves
from cfexp.report.html.facts import data_and_split
from cfexp.report.html.markup import Html, lines, table, tag
from cfexp.report.html.tradeoff import Spot, front, popularity_bias, trial_fronts
from cfexp.search.store.record import Point, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord


def trial(number: int, **metrics: float) -> RunRecord:
    named = {f"val/{name}@10": value for name, value in metrics.items()}
    return RunRecord(
        role="trial",
        key=f"trial/{number}",
        label=f"als #{number}",
        entry="als",
        model={"kind": "als"},
        mask="interacted",
        state="complete",
        metrics=named,
        curve=(Point(1, named),),
        seconds={"fit": 2.0, "score": 0.5},
        number=number,
        started=1000 * number,
        ended=1000 * number + 3000,
    )


def test_words_are_escaped_and_markup_is_not() -> None:
    inner = tag("b", "1 < 2")
    assert tag("p", inner, " & ", 3, title='"') == ('<p title="&quot;"><b>1 &lt; 2</b>&amp;3</p>')
    assert lines("a <b>\n\tc\x1b[31m\x00") == "<pre>a &lt;b&gt;\n\tc[31m</pre>"
    cells = table(["<i>"], [["<u>"], [Html("<u>x</u>")]], align="r", marked=1)
    assert '<th class="right">&lt;i&gt;</th>' in cells
    assert '<tr class="marked"><td class="right"><u>x</u></td></tr>' in cells


@pytest.mark.parametrize(
    ("right", "up", "names"),
    [(True, True, "bd"), (False, True, "ab"), (True, False, "ecd"), (False, False, "ae")],
)
def test_the_front_is_what_no_other_beats(*, right: bool, up: bool, names: str) -> None:
    places = {"a": (0, 3), "b": (1, 5), "c": (2, 3), "d": (3, 4), "e": (1, 1)}
    spots = [Spot(name, "trial", x, y) for name, (x, y) in places.items()]
    assert [one.name for one in front(spots, right=right, up=up)] == list(names)


def test_what_can_be_traded(make_study: Callable[..., StudyRecord]) -> None:
    made = make_study()
    assert trial_fronts(made) is None
    runs = tuple(trial(n, ndcg=0.05 + n / 100, coverage=0.5 - n / 50) for n in range(4))
    study = dataclasses.replace(made, runs=runs)
    chart = trial_fronts(study)
    assert chart is not None
    assert "coverage@10 (better to the right)" in chart
    assert "Pareto front" in chart
    several = dataclasses.replace(study, objectives=("ndcg@10", "coverage@10"))
    assert trial_fronts(several) is not None
    assert "was not measured" in popularity_bias(dataclasses.replace(made, runs=()))


def test_seconds_add_up_and_overlaps_count_once(make_study: Callable[..., StudyRecord]) -> None:
    runs = [trial(0), trial(1), trial(9)]
    assert total(runs, "fit") == 6
    assert under_way(runs) == 4 + 3
    assert under_way([]) is None
    study = dataclasses.replace(
        make_study(), runs=tuple(runs), seconds={"optuna_per_trial": 0.0125}
    )
    words = time_spent(study)
    assert "Optuna took 12 ms of each trial" in words
    for cell in ("6.0 s", "1.5 s", "7.0 s"):
        assert f'<td class="right">{cell}</td>' in words


def test_only_what_trains_in_steps_has_a_curve(make_study: Callable[..., StudyRecord]) -> None:
    once = trial(0, ndcg=0.1)
    steps = tuple(Point(epoch, {"val/ndcg@10": epoch / 100}) for epoch in (1, 2))
    stepwise = dataclasses.replace(trial(1, ndcg=0.02), curve=steps)
    study = dataclasses.replace(make_study(), runs=(once,))
    assert "they train in a single step" in learning_curves(study)
    words = learning_curves(dataclasses.replace(study, runs=(once, stepwise)))
    assert "The 2 best trials by ndcg@10" in words
    assert "1 of them train in a single step" in words
    assert "training loss" not in words


def test_facts_begin_with_what_to_doubt(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study(
        data={"rows": 900, "users": 50, "density": 0.015, "dropped": {"value missing": 100}},
        split={
            "rows": {"train": 700, "test": 190},
            "dropped": {"test: novel_only": 10},
            "future_share": 0.12,
            "users_evaluated": {"validation": 30, "test": 20},
            "settings": {"kind": "per_user_last", "novel_only": True},
        },
    )
    words = data_and_split(study)
    doubts = words[: words.index("<h3>")]
    assert "12% of the training rows are later than the median test row" in doubts
    assert "100 rows (10.0%) were dropped by reading: value missing." in doubts
    assert "10 rows (1.1%) were dropped by the split: test: novel_only." in doubts
    assert "20 of 50 users are evaluated on test" in doubts
    assert "<h3>Cleaning</h3>" not in words
    assert '<td class="left">density</td><td class="right">1.50%</td>' in words
    assert '<td class="left">rows: train</td><td class="right">700</td>' in words
    assert '<td class="left">settings: novel only</td><td class="right">yes</td>' in words


def test_the_cleaning_report_is_a_table_and_what_was_dropped_a_doubt(
    make_study: Callable[..., StudyRecord],
) -> None:
    read = {"rule": "rows read", "dropped": 0, "rows": 1_000, "users": None, "items": None}
    missing = {"rule": "item missing", "dropped": 10, "rows": 990, "users": 50, "items": 80}
    clipped = {"rule": "values clipped <b>", "dropped": 0, "rows": 990, "users": 50, "items": 80}
    facts = {"rows": 990, "dropped": {"item missing": 10}, "notes": ["ids look alike"]}
    study = make_study(data=facts | {"cleaning": [read, missing, clipped]})
    words = data_and_split(study)
    doubts, _, table = words.partition("<h3>Data</h3>")
    assert "Cleaning dropped 10 rows (1.0%); the table below says by which rule." in doubts
    assert "item missing" in table
    assert "ids look alike" in doubts
    assert "clipped" not in doubts
    assert "values clipped &lt;b&gt;" in table
    assert '<td class="right">1.00%</td><td class="right">990</td>' in table
    assert "dropped: item missing" not in table
    frame = cleaning_frame(study)
    assert frame.dropped.tolist() == [0, 10, 0]
    assert len(cleaning_frame(make_study(data={"cleaning": [read]}))) == 0
