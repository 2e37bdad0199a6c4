from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.report.compare import compare, contender
from cfexp.report.verdict import comparison_frame, verdict
from cfexp.report.write import write
from cfexp.search.store.record import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.search.store.record import StudyRecord

STAGES = ("val", "test")


def test_comparisons_and_warnings_are_files(
    make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    twice = (Reading(1, 30, (17, 4), 3, 17), Reading(2, 60, (17, 4), 3, 17))
    write(make_study(readings=twice), None, tmp_path)
    frame = pd.read_csv(tmp_path / "comparisons.csv").set_index("against")
    assert set(frame.index) == {"als #4", "als default", "item_knn", "popularity"}
    assert (frame["p_corrected"] >= frame["p"]).all()
    assert (frame["low"] < frame["difference"]).all()
    assert frame.loc["als default", "outcome"] == "better"
    text = (tmp_path / "verdict.md").read_text()
    assert "- Against popularity: better, +0.0" in text
    warned = json.loads((tmp_path / "leaderboard.json").read_text())["warnings"]
    assert warned[-1].startswith("The test set was read 2 times: ")
    assert all(f"- {one}\n" in text for one in warned)


def test_the_runner_up_of_a_group_is_the_groups_everywhere(
    make_study: Callable[..., StudyRecord],
) -> None:
    objective = "ndcg@10:worst:country"
    study = make_study()
    groups = {"final/17": 0.05, "final/4": 0.02}  # and of all users 4 is second
    runs = [
        replace(run, metrics=run.metrics | {f"{stage}/{objective}": level for stage in STAGES})
        for run in study.runs
        for level in [groups.get(run.key.rpartition("/")[0], 0.01)]
    ]
    third = [
        replace(
            run,
            key=run.key.replace("/4/", "/9/"),
            label="als #9",
            number=9,
            metrics=run.metrics
            | {f"{stage}/ndcg@10": 0.01 for stage in STAGES}
            | {f"{stage}/{objective}": 0.03 for stage in STAGES},
        )
        for run in runs
        if run.number == 4
    ]
    study = replace(
        study,
        objectives=(objective,),
        runs=(*runs, *third),
        readings=(Reading(1, 30, (17, 4, 9), 3, 17),),
    )
    words = verdict(study)
    assert words[0].startswith(f"als #17 was chosen for its worst group, {objective}: 0.05")
    named = [line for line in words if "the runner-up" in line]
    assert [line.partition(",")[0] for line in named] == ["Against als #9"]
    frame = comparison_frame(study)
    assert "als #9" in set(frame["against"])
    assert not frame["against"].eq("als #4").any()


def test_groups_that_one_run_lacks_are_not_compared(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    more = {"metric": "recall@10", "by": "item_popularity"}  # which these runs did not measure
    known, lacking = study.spec["buckets"][0], Buckets.model_validate(more)
    study = replace(study, spec=study.spec | {"buckets": [known, more]})
    found = compare([contender(study, None), contender(study, "popularity")])
    for line in found.lines:
        assert [buckets for buckets, _ in line.groups] == [Buckets.model_validate(known)]
    assert found.notes[0] == f"{lacking.title}: not shown, since the runs' groups are not the same."
