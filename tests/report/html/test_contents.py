from __future__ import annotations

import dataclasses
import json
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cfexp.analysis.words import plain
from cfexp.report.html import contents
from cfexp.report.html.contents import html_report
from cfexp.report.numbers import value
from cfexp.report.verdict import verdict
from cfexp.search.store.record import Environment, Reading
from cfexp.studies import open_study

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from cfexp.search.store.record import StudyRecord

    Apart = Callable[[str], dict[str, Any]]

CHAPTERS = [
    "verdict",
    "leaderboard",
    "did-tuning-help",
    "the-search",
    "learning-curves",
    "groups-of-users-and-items",
    "accuracy-and-popularity",
    "where-the-time-went",
    "data-and-split",
    "sample-recommendations",
    "how-to-reproduce",
]
EVIL = "</script><script>alert(1)</script><b>bold</b>\x1b[31m"


@pytest.fixture(scope="module")
def page(real: tuple[Path, StudyRecord]) -> str:
    return Path(real[1].folder, "report", "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chapters(page: str, taken_apart: Apart) -> dict[str, Any]:
    return taken_apart(page)


@pytest.fixture(scope="module")
def board(real: tuple[Path, StudyRecord]) -> dict[str, Any]:
    text = Path(real[1].folder, "report", "leaderboard.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]


def test_every_chapter_in_order_and_linked(page: str, chapters: dict[str, Any]) -> None:
    assert list(chapters) == CHAPTERS
    places = [page.index(f'href="#{name}"') for name in CHAPTERS]
    assert places == sorted(places)
    charts = [one.charts for one in chapters.values()]
    assert charts == [0, 0, 1, 5, 1, 1, 1, 1, 0, 0, 0]
    assert "cannot be" not in " ".join(one.words for one in chapters.values())


def test_the_page_stands_alone(page: str) -> None:
    for loads in ("<script src", "<link", "<img", "@import", "url("):
        assert loads not in page.replace(
            page[page.index("plotly.js v") : page.index("</head>")], ""
        )
    assert page.count("plotly.js v") == 1
    assert len(page) < 6_000_000


def test_the_verdict_comes_first_with_its_warnings(
    chapters: dict[str, Any], board: dict[str, Any]
) -> None:
    words = chapters["verdict"].words
    for sentence in [*board["verdict"], *board["warnings"]]:
        assert sentence in words
    assert board["warnings"]


def test_the_leaderboard_is_that_of_the_json(
    chapters: dict[str, Any], board: dict[str, Any]
) -> None:
    head, *rows = chapters["leaderboard"].rows[: 1 + len(board["rows"])]
    assert head[2:4] == ["validation ndcg@10", "test ndcg@10"]
    for cells, row in zip(rows, board["rows"], strict=True):
        assert cells[1].startswith(f"{'★ ' * row['winner']}{row['model']}")
        for cell, key in zip(cells[2:4], ("val/ndcg@10", "test/ndcg@10"), strict=True):
            low, high = row["intervals"][key]
            assert cell.split(" ±") == [
                value(row["metrics"][key]),
                value((high - low) / 2).removeprefix("0"),
            ]
        low, high = row["intervals"]["test/ndcg@10"]
        assert cells[4] == f"{low:.4f} to {high:.4f}"
        pair = row["winner_against_it"]
        if row["winner"]:
            assert cells[5] == "the winner"
        else:
            assert cells[5].startswith(pair["outcome"] if pair else "not compared")
            assert (
                pair is None
                or f"{pair['relative']:+.1%}".replace("-", "\N{MINUS SIGN}") in cells[5]
            )
        assert int(cells[6]) == row["seeds"]
    others = chapters["leaderboard"].rows[1 + len(board["rows"]) :]
    assert others[0] == ["on test", "recall@10", "avg_popularity@10 ↓", "coverage@10"]
    for cells, row in zip(others[1:], board["rows"], strict=True):
        assert cells[3] == value(row["metrics"]["test/coverage@10"])


def charted(page: str, chapter: str) -> list[dict[str, Any]]:
    """The charts of a chapter as Plotly gets them."""
    own = page[page.index(f'id="{chapter}"') :]
    following = CHAPTERS[CHAPTERS.index(chapter) + 1]
    parts = own[: own.index(f'id="{following}"')].split('<script type="application/json">')[1:]
    return [json.loads(part[: part.index("</script>")]) for part in parts]


def test_the_forest_has_every_comparison(page: str, board: dict[str, Any]) -> None:
    (forest,) = charted(page, "did-tuning-help")
    pairs = [row["winner_against_it"] for row in board["rows"] if row["winner_against_it"]]
    drawn = {
        (place, high)
        for trace in forest["data"]
        for place, high in zip(trace["x"], trace["error_x"]["array"], strict=True)
    }
    assert drawn == {(pair["difference"], pair["high"] - pair["difference"]) for pair in pairs}
    assert len(pairs) >= 3


def test_history_and_curves_are_those_of_the_store(
    page: str, real: tuple[Path, StudyRecord]
) -> None:
    study = real[1]
    trials = {run.number: run for run in study.of_role("trial")}
    history = charted(page, "the-search")[0]["data"][0]
    assert history["x"] == sorted(trials)
    assert history["y"] == [trials[number].metrics["val/ndcg@10"] for number in history["x"]]
    (curves,) = charted(page, "learning-curves")
    first, loss = curves["data"][:2]
    best = max(
        (run for run in trials.values() if run.state == "complete"),
        key=lambda run: run.metrics["val/ndcg@10"],
    )
    assert first["y"] == [point.metrics["val/ndcg@10"] for point in best.curve]
    assert loss["y"][0] == 1
    assert loss["y"][-1] < 1


def test_lists_are_those_of_the_model(
    chapters: dict[str, Any], real: tuple[Path, StudyRecord]
) -> None:
    from cfexp import load

    model = load(Path(real[1].folder) / "model" / "model.npz")
    samples = chapters["sample-recommendations"].rows
    assert [row[0] for row in (samples[0], samples[5])] == ["user", "item"]
    lengths = []
    for who, newest, listed in samples[1:5]:
        user = who.partition("\n")[0]
        history = set(re.findall(r"Film f\d+", newest))
        titles = model.recommend([user], 8)["title"].head(3)
        assert [plain(title) for title in titles] == sorted(map(plain, titles), key=listed.index)
        assert not history & set(re.findall(r"Film f\d+", listed)), "what was had is not listed"
        lengths.append(int(re.findall(r"(\d+) positives", who)[0]))
    assert lengths == sorted(lengths)
    assert len(samples[6:]) >= 3


def test_how_to_reproduce(chapters: dict[str, Any], real: tuple[Path, StudyRecord]) -> None:
    study = real[1]
    words = chapters["how-to-reproduce"].words
    assert "cfexp run study.toml" in words
    assert study.text in words
    (session,) = study.environments
    assert session.since <= min(run.ended for run in study.runs)
    rows = dict(row for row in chapters["how-to-reproduce"].rows if len(row) == 2)
    assert rows["fingerprint of data and split"] == study.fingerprint
    assert rows["seed"] == "0"
    assert {name.replace("_", " "): one for name, one in session.facts.items()}.items() <= (
        rows.items()
    )
    assert {"cfexp", "numpy", "python"} <= set(rows)


def test_a_raised_budget_is_in_the_command(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    study = dataclasses.replace(study, spec={**study.spec, "search": {"trials": 20}}, text="x")
    assert "cfexp run study.toml --trials 30" in html_report(study, None)


def test_environments_in_which_nothing_ended_are_left_out(
    make_study: Callable[..., StudyRecord], taken_apart: Apart
) -> None:
    made = make_study()
    runs = tuple(dataclasses.replace(run, ended=5000 + n) for n, run in enumerate(made.runs))
    sessions = (
        Environment(0, {"cfexp": "1"}),
        Environment(5000, {"cfexp": "2"}),
        Environment(9000, {"x": "3"}),
    )
    study = dataclasses.replace(made, runs=runs, environments=sessions)
    rows = taken_apart(html_report(study, None))["how-to-reproduce"].rows
    assert ["cfexp", "2"] in rows
    study = dataclasses.replace(
        study, environments=(Environment(4000, {"cfexp": "1"}), Environment(5003, {}))
    )
    rows = taken_apart(html_report(study, None))["how-to-reproduce"].rows
    assert ["cfexp", "1", ""] in rows


def test_hostile_words_do_not_act(
    page: str, chapters: dict[str, Any], make_study: Callable[..., StudyRecord]
) -> None:
    assert "alert(1)" in chapters["sample-recommendations"].words
    assert "<i>anything</i>" not in page
    made = make_study()
    runs = tuple(
        dataclasses.replace(run, entry=EVIL, label=EVIL, reason=EVIL)
        if run.role == "final"
        else run
        for run in made.runs
    )
    study = dataclasses.replace(
        made,
        name=EVIL,
        description=EVIL,
        text=EVIL,
        runs=runs,
        data={EVIL: EVIL, "rows": 10, "dropped": {EVIL: 3}},
        environments=(Environment(-1, {EVIL: EVIL}),),
    )
    for one in (page, html_report(study, None)):
        assert "<script>alert" not in one
        assert "<b>bold" not in one
        assert "\x1b" not in one
        assert "alert(1)" in one
    assert escape("</script><script>") in html_report(study, None)


@pytest.mark.parametrize(
    ("changes", "chapter", "words"),
    [
        ({"readings": ()}, "did-tuning-help", "There is no winner yet"),
        ({}, "sample-recommendations", "saved no model yet"),
        ({}, "the-search", "No trial has ended yet"),
        ({}, "learning-curves", "No trial is complete"),
        ({"runs": ()}, "accuracy-and-popularity", "was not measured"),
        ({}, "data-and-split", "keeps no facts"),
        ({"text": ""}, "how-to-reproduce", "made in Python"),
        ({}, "how-to-reproduce", "is not known"),
        ({"runs": ()}, "leaderboard", "Nothing has been fitted"),
        ({"runs": ()}, "where-the-time-went", "No run has ended"),
        ({"runs": (), "readings": ()}, "groups-of-users-and-items", "no [[buckets]]"),
    ],
)
def test_what_is_not_there_is_a_sentence(
    make_study: Callable[..., StudyRecord],
    taken_apart: Apart,
    changes: dict[str, Any],
    chapter: str,
    words: str,
) -> None:
    found = taken_apart(html_report(make_study(**changes), None))
    assert list(found) == CHAPTERS
    assert words in found[chapter].words


def test_a_chapter_that_fails_costs_itself_alone(
    make_study: Callable[..., StudyRecord],
    trials: optuna.Study,
    taken_apart: Apart,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(contents._CHAPTERS, "Leaderboard", lambda *_: 1 / 0)
    found = taken_apart(html_report(make_study(), trials))
    assert "This cannot be shown: division by zero" in found["leaderboard"].words
    assert verdict(make_study())[0] in found["verdict"].words


def test_failed_pruned_and_single_trials(
    real: tuple[Path, StudyRecord], taken_apart: Apart
) -> None:
    home, study = real
    one, two, three, *_ = study.of_role("trial")
    failed = dataclasses.replace(
        two, state="failed", reason="out of memory", metrics={}, curve=(), seconds={}
    )
    pruned = dataclasses.replace(three, state="pruned")
    for runs in ((failed,), (one,), (one, failed, pruned)):
        made = dataclasses.replace(study, runs=runs, readings=(), budget=10)
        found = taken_apart(html_report(made, open_study(home, "films").mirror()))
        assert "cannot be" not in " ".join(chapter.words for chapter in found.values())
        assert ("1 failed: out of memory" in found["the-search"].words) == (failed in runs)
    assert f"{len(runs)} of 10 trials have ended: 1 complete, 1 pruned, 1 failed. The study is" in (
        html_report(made, None)
    )


def test_a_model_without_titles_or_relations(
    real: tuple[Path, StudyRecord], tmp_path: Path, taken_apart: Apart
) -> None:
    from cfexp import load
    from cfexp.models.popularity import Popularity

    study = real[1]
    saved = load(Path(study.folder) / "model" / "model.npz")
    model = tmp_path / "model" / "model.npz"
    model.parent.mkdir()
    (tmp_path / "vectors").symlink_to(Path(study.folder) / "vectors")
    scorer = Popularity().fit(saved.scorer.history.matrix)
    scorer.save(model, users=saved.users, items=saved.items)
    made = dataclasses.replace(study, folder=str(tmp_path))
    words = taken_apart(html_report(made, None))["sample-recommendations"].words
    assert "The data have no titles" in words
    assert "its order is not known" in words
    assert "kind popularity does not relate items" in words
    model.write_bytes(b"no model")
    words = taken_apart(html_report(made, None))["sample-recommendations"].words
    assert "cannot be read" in words


def test_the_same_study_makes_the_same_page(real: tuple[Path, StudyRecord], page: str) -> None:
    home, _ = real
    store = open_study(home, "films")
    assert html_report(store.record(), store.mirror()) == page


def test_a_study_with_a_second_reading_says_so(
    make_study: Callable[..., StudyRecord], taken_apart: Apart
) -> None:
    study = make_study(readings=(Reading(1, 30, (4, 17), 3, 4), Reading(2, 60, (17, 4), 3, 17)))
    assert "read 2 times" in taken_apart(html_report(study, None))["verdict"].words
