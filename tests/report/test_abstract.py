from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.report.findings import findings
from cfexp.report.verdict import abstract, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord


def test_the_abstract_says_what_was_reached_and_against_whom(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    reached, compared = abstract(study)
    assert reached == verdict(study)[0]
    assert compared.startswith("It is better than ")
    assert compared.endswith(" (paired tests, corrected).")
    assert all(row.label in compared for row, _ in findings(study).pairs)
    worse = abstract(make_study(winner=0.06, default=0.08))[-1]
    assert "worse than als default" in worse
    same = abstract(make_study(winner=0.08, default=0.08))[-1]
    assert "als default" in same.partition("not clearly different from ")[2]


def test_without_a_winner_the_abstract_names_the_best_baseline(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    baselines = tuple(run for run in study.runs if run.role == "baseline")
    words = abstract(dataclasses.replace(study, runs=baselines, readings=()))
    assert "is the best baseline" in words[0]


def test_a_record_that_carries_its_verdict_is_not_analysed_again(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    found = findings(study)
    assert findings(dataclasses.replace(study, verdict=tuple(abstract(study)))) is found
