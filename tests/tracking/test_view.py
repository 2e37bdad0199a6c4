from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from typing import TYPE_CHECKING, Any

from cfexp.tracking.view import PARENT, RUNS, TAG, TRIALS, links, view_tags

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def state(study: StudyRecord, key: str) -> dict[str, Any]:
    packed = view_tags(study, "r1")[f"{TAG}{key}"]
    head, _, data = packed.partition(";")
    assert head == "deflate"
    unpacked: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(data)))
    return unpacked


def test_the_table_shows_objectives_first_and_searched_parameters(study: StudyRecord) -> None:
    columns = state(study, RUNS)["selectedColumns"]
    assert columns[:2] == ["metrics.`val/ndcg_at_10`", "metrics.`test/ndcg_at_10`"]
    params = [name for name in columns if name.startswith("params.")]
    assert params[:2] == ["params.`kind`", "params.`factors`"]
    assert columns[-1] == "tags.`cfexp.solver_used`"


def test_charts_cover_all_trials_and_what_was_searched(study: StudyRecord) -> None:
    charts = state(study, TRIALS)["compareRunCharts"]
    assert [chart["type"] for chart in charts] == ["PARALLEL", "SCATTER", "LINE", "BAR"]
    assert charts[0]["selectedParams"] == ["factors"]
    assert charts[0]["showAllRuns"]


def test_a_view_too_long_for_a_tag_is_left_out(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    names = [f"{zlib.crc32(str(i).encode()):x}{i * 7919:x}" for i in range(900)]
    wide = dataclasses.replace(run, model=dict.fromkeys(names, 1))
    tags = view_tags(dataclasses.replace(study, runs=(*study.runs, wide)), "r1")
    assert set(tags) == {PARENT}


def test_links_are_plain_without_saved_views() -> None:
    assert links("http://h/", "3", {}) == {
        "runs": "http://h/#/experiments/3/runs?workflowType=machine_learning",
        "trials": "http://h/#/experiments/3/runs?workflowType=machine_learning",
    }
    full = links("http://h", "3", {f"{TAG}{TRIALS}": "x", PARENT: "r1"})
    assert full["trials"].endswith("&viewStateShareKey=cfexp-trials&compareRunsMode=CHART")
    assert full["report"].startswith("http://h/#/experiments/3/runs/r1/artifacts")
