"""The charts of the saved views: what MLflow's chart page shows of a study's runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.tracking.names import metric_name, searched

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord

_COMPARED = 200  # runs in a chart


def trial_charts(study: StudyRecord) -> dict[str, Any]:
    """Return charts of the objective: by parameters, by trial, by epoch; and of the costs."""
    target = metric_name(f"val/{study.objectives[0]}")
    names = searched(study)
    together = {"type": "PARALLEL", "selectedParams": names, "selectedMetrics": [target]}
    cards = [together | {"showAllRuns": True}] if names else []
    cards += [_scatter(_metric("search/trial"), target)]
    cards += [_scatter({"type": "PARAM", "key": name}, target) for name in names]
    cards += [_bars(target), _curve(target)]
    if any("train/loss" in point.metrics for run in study.runs for point in run.curve):
        cards.append(_curve("train/loss"))
    return _charts([*cards, _bars("time/fit_seconds"), _bars("memory/peak_megabytes")])


def tested_charts(study: StudyRecord) -> dict[str, Any]:
    """Return charts of what was read on test: each metric, and the objective by cost."""
    target = metric_name(f"test/{study.objectives[0]}")
    known = dict.fromkeys(name for run in study.runs for name in run.metrics)
    others = [metric_name(name) for name in known if name.startswith("test/")]
    cards = [_bars(name) for name in dict.fromkeys([target, *others])]
    costs = ("time/fit_seconds", "memory/peak_megabytes")
    return _charts([*cards, *(_scatter(_metric(name), target) for name in costs)])


def _metric(name: str) -> dict[str, Any]:
    return {"type": "METRIC", "key": name, "dataAccessKey": name}


def _scatter(x: dict[str, Any], y: str) -> dict[str, Any]:
    return {"type": "SCATTER", "xaxis": x, "yaxis": _metric(y)}


def _bars(name: str) -> dict[str, Any]:
    return {"type": "BAR", "metricKey": name, "displayName": name}


def _curve(name: str) -> dict[str, Any]:
    return {
        "type": "LINE",
        "metricKey": name,
        "selectedMetricKeys": [name],
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "displayName": f"{name} by epoch",
    }


def _charts(cards: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one section with all cards, over all runs."""
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
