from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.tracking.names import TAG_LENGTH, run_entry, run_name
from cfexp.tracking.summary import best_trial, description, is_finished, study_entry, winning_runs

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def test_best_trial_follows_the_direction_and_skips_pruned_ones(study: StudyRecord) -> None:
    best = best_trial(study)
    assert best is not None
    assert best.number == 5  # 6 is pruned and 7 failed
    worst = best_trial(dataclasses.replace(study, direction="minimize"))
    assert worst is not None
    assert worst.number == 0


def test_best_so_far_never_falls(study: StudyRecord) -> None:
    values = [s.value for s in study_entry(study).samples if s.name == "val/ndcg_at_10"]
    assert values == sorted(values)
    assert len(values) == 4


def test_the_winner_is_averaged_over_its_seeds(study: StudyRecord) -> None:
    values = {s.name: s.value for s in study_entry(study).samples}
    assert abs(values["test/ndcg_at_10"] - 0.045) < 1e-12


def test_description_is_five_lines_with_the_findings_first(study: StudyRecord) -> None:
    assert description(study).splitlines() == [
        "- **Winner on test**: ndcg@10 0.0450 (als, mean of 2 seeds)",
        "- **Best on validation**: ndcg@10 0.0550 (als #5)",
        "- **Trials**: 8 of 8, 2 pruned, 2 failed; test set read 1 time",
        "- **Data**: rows 1,200, users 40; **split**: train 1,000, test 200",
        "- A study that nobody ran.",
    ]


def test_a_study_without_runs_has_a_description(study: StudyRecord) -> None:
    empty = dataclasses.replace(study, runs=(), readings=())
    assert "0 of 8" in description(empty)
    assert best_trial(empty) is None


def test_an_unfinished_study_says_so(study: StudyRecord) -> None:
    assert is_finished(study)
    fewer = dataclasses.replace(study, budget=12)
    unread = dataclasses.replace(study, readings=())
    for unfinished in (fewer, unread):
        assert not is_finished(unfinished)
        first = description(unfinished).splitlines()[0]
        assert first.startswith("- **Interrupted**: trials 8 of ")
        assert first.endswith("; `cfexp run` goes on")
    pruned = tuple(run for run in study.runs if run.state != "complete")
    assert is_finished(dataclasses.replace(study, runs=pruned, readings=(), budget=len(pruned)))
    assert is_finished(dataclasses.replace(study, runs=(), readings=(), budget=0))


def test_seeds_that_the_study_no_longer_asks_for_are_left_out(study: StudyRecord) -> None:
    one = dataclasses.replace(study, spec=study.spec | {"finals": {"seeds": 1}})
    more = tuple(
        dataclasses.replace(run, key=f"final/1/seed-{place}")
        for place, run in enumerate(study.of_role("final"), 1)
    )
    assert [run.key for run in winning_runs(dataclasses.replace(one, runs=more))] == [
        "final/1/seed-1"
    ]


def test_markup_in_words_does_not_act_and_they_stay_on_one_line(study: StudyRecord) -> None:
    words = "<script>alert(1)</script>\n# Head\n![x](http://x) **bold** \x1b[31m"
    runs = tuple(
        dataclasses.replace(run, label=words, entry=words, reason=words) for run in study.runs
    )
    data = study.data | {"source": words}
    note = description(dataclasses.replace(study, description=words, runs=runs, data=data))
    assert len(note.splitlines()) == 5
    assert (
        note.count(r"&lt;script&gt;alert(1)&lt;/script&gt; # Head !\[x\](http://x) \*\*bold") == 4
    )
    assert "<script>" not in note
    assert "\x1b" not in note
    assert description(dataclasses.replace(study, description="# Big")).endswith("\n- \\# Big")
    failed = dataclasses.replace(study.of_role("trial")[3], reason=words, label=words)
    assert "<script>" not in run_entry(failed).tags["mlflow.note.content"]
    assert "\n" not in run_name(failed)


def test_a_long_description_fits_mlflow(study: StudyRecord) -> None:
    long = dataclasses.replace(study, description="x" * 100_000)
    assert len(study_entry(long).tags["mlflow.note.content"]) == TAG_LENGTH
