from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.search.store.record import Reading
from cfexp.search.store.standing import best_trial, is_finished, winning_runs
from cfexp.tracking.summary import marks, study_entry

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


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


def test_a_study_without_runs_has_no_best_trial(study: StudyRecord) -> None:
    assert best_trial(dataclasses.replace(study, runs=(), readings=())) is None


def test_a_study_is_finished_when_its_trials_are_and_test_was_read(study: StudyRecord) -> None:
    assert is_finished(study)
    assert not is_finished(dataclasses.replace(study, budget=12))
    assert not is_finished(dataclasses.replace(study, readings=()))
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


def test_the_winner_s_runs_are_marked_and_other_finalists_are_not(study: StudyRecord) -> None:
    found = marks(study)
    assert set(found) == {"trial/1", "final/1/seed-0", "final/1/seed-1"}
    assert {tags["cfexp.winner"] for tags in found.values()} == {"true"}
    assert "mlflow.note.content" not in found["trial/1"]
    assert "als #1, the winner, seed 1 of 2" in found["final/1/seed-0"]["mlflow.note.content"]
    other = dataclasses.replace(study, readings=(*study.readings, Reading(2, 8, (5, 1), 2, 5)))
    assert {tags["cfexp.winner"] for tags in marks(other).values()} == {"false"}
    assert marks(dataclasses.replace(study, runs=study.of_role("trial"))) == {}


def test_the_study_s_run_says_what_it_was_computed_with_last(study: StudyRecord) -> None:
    assert study_entry(study).tags["mlflow.source.git.commit"] == "abcdef"
    assert study_entry(study).tags["cfexp.git_dirty"] == "true"
