from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.tracking.summary import best_trial, description, study_entry

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
