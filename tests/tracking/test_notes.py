from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from cfexp.tracking.names import TAG_LENGTH, run_entry, run_name
from cfexp.tracking.notes import final_note, study_note

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def test_a_study_s_description_is_short_with_the_findings_first(study: StudyRecord) -> None:
    best = "best on validation ndcg@10 0.0550 (als #5)"
    assert study_note(study).splitlines() == [
        "als #1 reaches 0.0450. It is better than popularity.",
        "",
        f"- **Trials**: 8 of 8 trials, 2 pruned, 2 failed, {best}; test set read 1 time",
        "- **Studied**: A study that nobody ran.",
        "- **Data**: rows 1,200, users 40; **split**: train 1,000, test 200",
    ]


def test_a_final_s_description_names_its_configuration_and_its_seeds(study: StudyRecord) -> None:
    run = dataclasses.replace(study.of_role("final")[1], best_epoch=3)
    study = dataclasses.replace(study, runs=(*study.runs[:-1], run))
    assert final_note(study, run).splitlines() == [
        "als #1, the winner, seed 2 of 2: factors 32, 3 epochs",
        "",
        "- **Test**: ndcg@10 0.0500 (mean of 2 seeds 0.0450 ± 0.0071)",
        "- **Validation**: ndcg@10 0.0600 (mean of 2 seeds 0.0550 ± 0.0071)",
        "- **Study**: als #1 reaches 0.0450. It is better than popularity.",
    ]
    lost = dataclasses.replace(study, readings=())
    assert "als #1, a finalist, seed 2 of 2" in final_note(lost, run)
    fewer = dataclasses.replace(
        study, spec=study.spec | {"finals": {"seeds": 1}}, runs=(*study.runs[:-2],)
    )
    gone = dataclasses.replace(run, key="final/1/seed-2")
    assert "an earlier seed" in final_note(fewer, gone)


def test_a_study_without_runs_has_a_description(study: StudyRecord) -> None:
    empty = dataclasses.replace(study, runs=(), readings=(), verdict=())
    assert study_note(empty).startswith("Unfinished: 0 of 8 trials; test set read 0 times;")


@pytest.mark.parametrize("changes", [{"budget": 12}, {"readings": ()}])
def test_an_unfinished_study_says_so_first(study: StudyRecord, changes: dict[str, object]) -> None:
    first = study_note(dataclasses.replace(study, **changes)).splitlines()[0]
    assert first.startswith("Unfinished: 8 of ")
    assert first.endswith("; `cfexp run` completes it.")


def test_markup_in_words_does_not_act_and_they_stay_on_one_line(study: StudyRecord) -> None:
    words = "<script>alert(1)</script>\n# Head\n![x](http://x) **bold** \x1b[31m"
    runs = tuple(
        dataclasses.replace(run, label=words, entry=words, reason=words) for run in study.runs
    )
    data = study.data | {"source": words}
    changed = dataclasses.replace(study, description=words, runs=runs, data=data, verdict=(words,))
    note = study_note(changed)
    assert len(note.splitlines()) == 5
    escaped = r"&lt;script&gt;alert(1)&lt;/script&gt; # Head !\[x\](http://x) \*\*bold"
    assert note.count(escaped) == 4
    final = final_note(changed, changed.of_role("final")[0])
    assert final.count(escaped) == 2
    for told in (note, final):
        assert "<script>" not in told
        assert "\x1b" not in told
    big = dataclasses.replace(study, description="# Big")
    assert "- **Studied**: \\# Big" in study_note(big).splitlines()
    failed = dataclasses.replace(study.of_role("trial")[3], reason=words, label=words)
    assert "<script>" not in run_entry(failed).tags["mlflow.note.content"]
    assert "\n" not in run_name(failed)


def test_a_long_description_fits_mlflow(study: StudyRecord) -> None:
    long = dataclasses.replace(study, description="x" * 100_000)
    assert len(study_note(long)) == TAG_LENGTH
