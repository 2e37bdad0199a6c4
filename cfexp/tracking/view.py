"""The saved views that `cfexp ui` opens: MLflow's experiment page, set up for a study.

MLflow's page starts in another mode, with metric columns hidden and ten runs charted.
Its "share" button keeps a view as an experiment tag, and a link names the tag; this
file writes such tags. The format is MLflow's own (3.x) and undocumented, so callers
treat a failure here as nothing worse than a plain link.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from cfexp.tracking.names import metric_name, text

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord

TAG = "mlflow.sharedViewState."
TRIALS, RUNS = "cfexp-trials", "cfexp-runs"
PARENT = "cfexp.run"
_LIMIT = 5000  # characters of an experiment tag
_COMPARED = 200
_WIDTH = 130  # pixels


def links(base: str, experiment_id: str, tags: dict[str, str]) -> dict[str, str]:
    """Return links by name: `runs` (table), `trials` (charts), `report` (the study's run).

    `tags` are the experiment's; where they hold no saved view, links are plain.
    """
    page = f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs"
    mode = "workflowType=machine_learning"
    found = {"runs": f"{page}?{mode}", "trials": f"{page}?{mode}"}
    for name, key, extra in (("runs", RUNS, ""), ("trials", TRIALS, "&compareRunsMode=CHART")):
        if f"{TAG}{key}" in tags:
            found[name] += f"&viewStateShareKey={key}{extra}"
    if PARENT in tags:
        found["report"] = f"{page}/{tags[PARENT]}/artifacts?{mode}"
    return found


def view_tags(study: StudyRecord, parent_id: str) -> dict[str, str]:
    """Return the experiment tags that hold both views; one too long is left out."""
    states = {
        RUNS: _page(study, "tags.\"cfexp.role\" != 'study'"),
        TRIALS: _page(study, "tags.\"cfexp.role\" = 'trial'") | _charts(study),
    }
    packed = {f"{TAG}{key}": _packed(state) for key, state in states.items()}
    fitting = {name: value for name, value in packed.items() if len(value) <= _LIMIT}
    return fitting | {PARENT: parent_id}


def _packed(state: dict[str, Any]) -> str:
    data = zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)
    return "deflate;" + base64.b64encode(data).decode()


def _page(study: StudyRecord, search: str) -> dict[str, Any]:
    """Filter, order and columns of the run table."""
    metrics, params = _metrics(study), _params(study)
    facts = dict.fromkeys(name for run in study.runs for name in run.facts)
    columns = [f"metrics.`{name}`" for name in metrics] + [f"params.`{name}`" for name in params]
    columns += [f"tags.`cfexp.{name}`" for name in facts]
    return {
        "searchFilter": search,
        "orderByKey": f"metrics.`{metrics[0]}`",
        "orderByAsc": study.direction == "minimize",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": ["attributes.`Duration`", *columns],
        "columnWidths": dict.fromkeys(columns, _WIDTH),
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "viewMaximized": False,
        "runListHidden": False,
        "groupBy": None,
        "groupsExpanded": {},
        "hideEmptyCharts": True,
        "useGroupedValuesInCharts": True,
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }


def _charts(study: StudyRecord) -> dict[str, Any]:
    """One section: parallel coordinates, a scatter for each parameter, curves, times."""
    target = {"type": "METRIC", "key": metric_name(f"val/{study.objectives[0]}")}
    target["dataAccessKey"] = target["key"]
    searched = _searched(study)
    cards: list[dict[str, Any]] = []
    if searched:
        cards.append(
            {
                "type": "PARALLEL",
                "selectedParams": searched,
                "selectedMetrics": [target["key"]],
                "showAllRuns": True,
            }
        )
    cards += [
        {"type": "SCATTER", "xaxis": {"type": "PARAM", "key": name}, "yaxis": target}
        for name in searched
    ]
    curve = {
        "type": "LINE",
        "metricKey": target["key"],
        "selectedMetricKeys": [target["key"]],
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "displayName": f"{target['key']} by epoch",
    }
    bars = {"type": "BAR", "metricKey": "time/fit_seconds", "displayName": "time/fit_seconds"}
    cards += [curve, bars]
    section = {"uuid": "cfexp", "name": "Study", "display": True, "isReordered": True}
    section |= {"columns": 2, "cardHeight": 420, "deleted": False, "isGenerated": False}
    common = {
        "metricSectionId": "cfexp",
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": _COMPARED,
    }
    charts = [card | common | {"uuid": f"cfexp-{i}"} for i, card in enumerate(cards)]
    return {
        "compareRunCharts": charts,
        "compareRunSections": [section],
        "isAccordionReordered": True,
    }


def _metrics(study: StudyRecord) -> list[str]:
    """Return metrics as MLflow names: objectives on validation and test, then the rest."""
    first = [f"{stage}/{name}" for name in study.objectives for stage in ("val", "test")]
    known = dict.fromkeys(name for run in study.runs for name in run.metrics)
    names = first[:1] + [name for name in first[1:] if name in known]
    return [*map(metric_name, dict.fromkeys(names) | known), "time/fit_seconds", "train/best_epoch"]


def _params(study: StudyRecord) -> list[str]:
    """Return parameters, the searched ones first."""
    names = dict.fromkeys(["kind", *_searched(study)])
    return list(names | dict.fromkeys(name for run in study.runs for name in run.model))


def _searched(study: StudyRecord) -> list[str]:
    """Return the model fields that differ between trials."""
    trials = study.of_role("trial")
    names = dict.fromkeys(name for run in trials for name in run.model if name != "kind")
    return [name for name in names if len({text(run.model.get(name)) for run in trials}) > 1]
