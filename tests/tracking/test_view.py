from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from typing import TYPE_CHECKING, Any

from cfexp.tracking.names import run_entry
from cfexp.tracking.view import PARENT, RUNS, TAG, TESTED, TRIALS, links, view_tags

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def state(study: StudyRecord, key: str) -> dict[str, Any]:
    saved = json.loads(view_tags(study, "r1")[f"{TAG}{key}"])
    head, _, data = saved["state"].partition(";")
    assert head == "deflate"
    unpacked: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(data)))
    return unpacked


def test_the_table_shows_objectives_first_and_searched_parameters(study: StudyRecord) -> None:
    columns = state(study, RUNS)["selectedColumns"]
    metrics = [name for name in columns if name.startswith("metrics.")]
    assert metrics[:2] == ["metrics.`val/ndcg_at_10`", "metrics.`test/ndcg_at_10`"]
    params = [name for name in columns if name.startswith("params.")]
    assert params[:2] == ["params.`factors`", "params.`kind`"]
    assert columns[-2:] == ["tags.`cfexp.solver_used`", "tags.`cfexp.reason`"]
    well = tuple(run for run in study.runs if run.state == "complete")
    bare = state(dataclasses.replace(study, runs=well), RUNS)["selectedColumns"]
    assert "tags.`cfexp.reason`" not in bare


def test_every_metric_and_parameter_of_a_run_has_its_column(study: StudyRecord) -> None:
    columns = state(study, RUNS)["selectedColumns"]
    for run in study.runs:
        entry = run_entry(run)
        names = {s.name for s in entry.samples} - {"train/loss"}  # a curve, not a value
        assert {f"metrics.`{name}`" for name in names} <= set(columns)
        assert {f"params.`{name}`" for name in entry.params} <= set(columns)


def test_views_have_names_and_their_menu_an_order(study: StudyRecord) -> None:
    saved = [json.loads(value) for key, value in view_tags(study, "r1").items() if key != PARENT]
    newest = sorted(saved, key=lambda view: -view["createdAt"])
    names = ["All runs", "Trials", "Baselines and finals", "Winner", "Failed and pruned"]
    assert [view["name"] for view in newest] == names
    assert view_tags(study, "r1") == view_tags(study, "r1")


def test_charts_cover_all_trials_and_what_was_searched(study: StudyRecord) -> None:
    charts = state(study, TRIALS)["compareRunCharts"]
    kinds = ["PARALLEL", "SCATTER", "SCATTER", "BAR", "LINE", "LINE", "BAR", "BAR"]
    assert [chart["type"] for chart in charts] == kinds
    assert charts[0]["selectedParams"] == ["factors"]
    assert charts[0]["showAllRuns"]
    assert [chart["xaxis"]["key"] for chart in charts[1:3]] == ["search/trial", "factors"]
    assert [chart["metricKey"] for chart in charts[4:6]] == ["val/ndcg_at_10", "train/loss"]


def test_what_was_read_on_test_is_charted_metric_by_metric(study: StudyRecord) -> None:
    charts = state(study, TESTED)["compareRunCharts"]
    assert [chart.get("metricKey") for chart in charts] == ["test/ndcg_at_10", None, None]


def test_a_view_too_long_for_a_tag_is_left_out(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    names = [f"{zlib.crc32(str(i).encode()):x}{i * 7919:x}" for i in range(4000)]
    wide = dataclasses.replace(run, model=dict.fromkeys(names, 1))
    tags = view_tags(dataclasses.replace(study, runs=(*study.runs, wide)), "r1")
    assert set(tags) == {PARENT}


def test_links_are_plain_without_saved_views() -> None:
    assert links("http://h/", "3", {}) == {
        "runs": "http://h/#/experiments/3/runs?workflowType=machine_learning",
        "trials": "http://h/#/experiments/3/runs?workflowType=machine_learning",
        "tested": "http://h/#/experiments/3/runs?workflowType=machine_learning",
    }
    full = links("http://h", "3", {f"{TAG}{TRIALS}": "x", PARENT: "r1"})
    assert full["trials"].endswith("&viewStateShareKey=cfexp-trials&compareRunsMode=CHART")
    assert full["report"].startswith("http://h/#/experiments/3/runs/r1/artifacts")
