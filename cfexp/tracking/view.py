"""The saved views that `cfexp ui` opens: MLflow's experiment page, set up for a study.

MLflow's page starts in another mode, with metric columns hidden and ten runs charted.
Its button "Views" keeps named views as experiment tags, and a link names the tag; this
file writes such tags. The format is MLflow's own (3.17) and undocumented, so callers
treat a failure here as nothing worse than a plain link.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from cfexp.tracking.charts import tested_charts, trial_charts
from cfexp.tracking.names import metric_name, searched

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord

TAG = "mlflow.sharedViewState."
RUNS, TRIALS, TESTED = "cfexp-runs", "cfexp-trials", "cfexp-tested"
WINNER, ENDED = "cfexp-winner", "cfexp-ended"
PARENT = "cfexp.run"
_LIMIT = 20_000  # characters of an experiment tag
_NAME, _NOTE = "attributes.`Run Name`", "attributes.`Description`"
_WIDTH = 130  # pixels
_WIDE = {_NAME: 340, _NOTE: 260}
_NEWEST = "attributes.start_time"  # the one order in which MLflow nests children
_FLAT = "metrics.`search/trial`"
_COSTS = (
    "train/best_epoch",
    "search/trial",
    "time/fit_seconds",
    "time/score_seconds",
    "memory/peak_megabytes",
)


def links(base: str, experiment_id: str, tags: dict[str, str]) -> dict[str, str]:
    """Return links by name: `runs` (table), `trials` and `tested` (charts), `report`.

    The last is the study's own run. `tags` are the experiment's; where they hold no
    saved view, links are plain.
    """
    page = f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs"
    mode = "workflowType=machine_learning"
    found = {}
    for name, key in (("runs", RUNS), ("trials", TRIALS), ("tested", TESTED)):
        saved = f"&viewStateShareKey={key}" if f"{TAG}{key}" in tags else ""
        charted = "&compareRunsMode=CHART" if saved and name != "runs" else ""
        found[name] = f"{page}?{mode}{saved}{charted}"
    if PARENT in tags:
        found["report"] = f"{page}/{tags[PARENT]}/artifacts/report.html?{mode}"
    return found


def view_tags(study: StudyRecord, parent_id: str) -> dict[str, str]:
    """Return the experiment tags that hold the views; one too long is left out."""
    views = _views(study)
    tags = {}
    for place, (key, (name, state)) in enumerate(views.items()):
        when = study.created + len(views) - place  # the menu shows the newest first
        view = {"name": name, "createdAt": when, "updatedAt": when, "state": _packed(state)}
        tags[f"{TAG}{key}"] = json.dumps(view, separators=(",", ":"))
    fitting = {name: value for name, value in tags.items() if len(value) <= _LIMIT}
    return fitting | {PARENT: parent_id}


def _views(study: StudyRecord) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return name and state of every view, by key, in the menu's order."""
    on_validation, on_test = (
        f"metrics.`{metric_name(f'{stage}/{study.objectives[0]}')}`" for stage in ("val", "test")
    )
    role = 'tags."cfexp.role"'
    trials = _page(study, f"{role} = 'trial'", on_validation) | trial_charts(study)
    tested = _page(study, f"{role} != 'trial' and {role} != 'study'", on_test)
    return {
        RUNS: ("All runs", _page(study, "", _NEWEST)),
        TRIALS: ("Trials", trials),
        TESTED: ("Baselines and finals", tested | tested_charts(study)),
        WINNER: ("Winner", _page(study, "tags.\"cfexp.winner\" = 'true'", on_test)),
        ENDED: ("Failed and pruned", _page(study, "attributes.status != 'FINISHED'", _FLAT)),
    }


def _packed(state: dict[str, Any]) -> str:
    data = zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)
    return "deflate;" + base64.b64encode(data).decode()


def _page(study: StudyRecord, search: str, order: str) -> dict[str, Any]:
    """Filter, order and columns of the run table."""
    columns = _columns(study)
    return {
        "searchFilter": search,
        "orderByKey": order,
        "orderByAsc": study.direction == "minimize" and order.startswith("metrics"),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": [_NAME, *columns],
        "columnWidths": dict.fromkeys(columns, _WIDTH) | _WIDE,
        "runsHiddenMode": "SHOW_ALL",
        "viewMaximized": False,
        "runListHidden": False,
        "groupBy": None,
        "groupsExpanded": {},
        "hideEmptyCharts": True,
        "useGroupedValuesInCharts": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }


def _columns(study: StudyRecord) -> list[str]:
    """Return the columns: metrics, parameters, and what is known of runs in words."""
    facts = dict.fromkeys(name for run in study.runs for name in run.facts)
    tags = ["role", "kind", "winner", *facts]
    tags += ["reason"] if any(run.reason for run in study.runs) else []
    return [
        _NOTE,
        "attributes.`Dataset`",
        *(f"metrics.`{name}`" for name in _metrics(study)),
        *(f"params.`{name}`" for name in _params(study)),
        *(f"tags.`cfexp.{name}`" for name in tags),
    ]


def _metrics(study: StudyRecord) -> list[str]:
    """Return metrics as MLflow names: objectives on validation and test, then the rest."""
    first = [f"{stage}/{name}" for name in study.objectives for stage in ("val", "test")]
    known = dict.fromkeys(name for run in study.runs for name in run.metrics)
    names = first[:1] + [name for name in first[1:] if name in known]
    names = [*map(metric_name, dict.fromkeys(names) | known)]
    return [*names, *_COSTS]


def _params(study: StudyRecord) -> list[str]:
    """Return parameters, the searched ones first."""
    known = dict.fromkeys(name for run in study.runs for name in run.model)
    return list(dict.fromkeys(searched(study)) | known | dict.fromkeys(("mask", "seed")))
