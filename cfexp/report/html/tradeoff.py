"""What accuracy costs: fronts of trials, and configurations against popularity and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.analysis.worst import goal_of
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.html.figure import BLUE, GREY, LEGEND, MARGIN, ORANGE, PINK, drawn, label
from cfexp.report.html.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from cfexp.search.store.record import StudyRecord

_OF_LISTS = ("avg_popularity", "coverage", "gini", "novelty", "diversity", "serendipity")
"""Metrics that say what lists are like, the popularity bias first."""
_PANELS = 4
_ASK = (
    "avg_popularity@10 or coverage@10 among the metrics of the study file would show it: "
    'metrics = ["coverage@10", "avg_popularity@10"].'
)


@dataclass(frozen=True)
class Spot:
    """One trial or configuration in a panel: its name, its kind, where it is, how sure."""

    name: str
    kind: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    named: bool = False
    """Whether the chart says its name, and not only when it is pointed at."""


_KINDS = {"the winner": BLUE, "finalist": PINK, "baseline": ORANGE, "trial": GREY}


def trial_fronts(study: StudyRecord) -> Html | None:
    """Return the trials by the first objective against the others; None where there is none."""
    others = list(study.objectives[1:])
    others += [name for name in _measured(study) if name not in others]
    complete = [run for run in study.of_role("trial") if run.state == "complete"]
    chosen = study.readings[-1].winner if study.readings else None
    panels = {}
    for name in others[:_PANELS]:
        keys = f"val/{name}", f"val/{study.objectives[0]}"
        spots = [
            Spot(
                run.label,
                "the winner" if run.number == chosen else "trial",
                run.metrics[keys[0]],
                run.metrics[keys[1]],
            )
            for run in complete
            if all(key in run.metrics for key in keys)
        ]
        if len(spots) > 1:
            panels[name] = spots
    if not panels:
        return None
    note = (
        f"Every complete trial on validation, {study.objectives[0]} against what else is measured. "
        "The dotted line joins the trials that no other beats in both (the Pareto front)."
    )
    return drawn("What can be traded", note, lambda: _figure(study, panels, fronts=True))


def popularity_bias(study: StudyRecord) -> Html:
    """Return the leaderboard's configurations by accuracy and by what their lists are like."""
    found = findings(study)
    key = f"test/{study.objectives[0]}"
    panels = {}
    for name in _measured(study)[:_PANELS]:
        spots = []
        for row, own in zip(found.rows, found.intervals, strict=True):
            if key in row.metrics and f"test/{name}" in row.metrics:
                kind = "the winner" if row.winner else "baseline"
                kind = "finalist" if row.role == "final" and not row.winner else kind
                low, high = (own[key].low, own[key].high) if key in own else (None, None)
                spots.append(
                    Spot(
                        row.label,
                        kind,
                        row.metrics[f"test/{name}"],
                        row.metrics[key],
                        low,
                        high,
                        named=kind != "finalist",  # these lie too close to the winner
                    )
                )
        if spots:
            panels[name] = spots
    if not panels:
        return tag("p", f"What lists are like was not measured; {_ASK}")
    note = (
        "The leaderboard's configurations on test; whiskers are 95% intervals. avg_popularity is "
        "how many positives in train the recommended items have: high means that everybody is "
        "shown what everybody likes; coverage is the share of the items that anybody is shown."
    )
    return drawn("Configurations", note, lambda: _figure(study, panels, fronts=False))


def front(spots: Sequence[Spot], *, right: bool, up: bool) -> list[Spot]:
    """Return the spots that no other beats in both, from left to right.

    `right` and `up` say which way is better.
    """
    kept: list[Spot] = []
    order = sorted(spots, key=lambda one: (-one.x if right else one.x, -one.y if up else one.y))
    for spot in order:
        if not kept or (spot.y > kept[-1].y if up else spot.y < kept[-1].y):
            kept.append(spot)
    return sorted(kept, key=lambda one: one.x)


def _measured(study: StudyRecord) -> list[str]:
    names = board.metric_names(study)
    known = [name for kind in _OF_LISTS for name in names if name.partition("@")[0] == kind]
    return [name for name in known if name != study.objectives[0]]


def _figure(study: StudyRecord, panels: dict[str, list[Spot]], *, fronts: bool) -> Figure:
    from plotly.subplots import make_subplots

    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.06, vertical_spacing=0.16
    )
    told: set[str] = set()
    for place, (name, spots) in enumerate(panels.items()):
        at = {"row": place // columns + 1, "col": place % columns + 1}
        up, right = study.direction == "maximize", goal_of(name).direction == "maximize"
        if fronts:
            best = front(spots, right=right, up=up)
            figure.add_scatter(
                x=[spot.x for spot in best],
                y=[spot.y for spot in best],
                mode="lines",
                line={"color": BLUE, "dash": "dot"},
                name="Pareto front",
                showlegend="front" not in told,
                hoverinfo="skip",
                **at,
            )
            told.add("front")
        for kind, colour in _KINDS.items():
            own = [spot for spot in spots if spot.kind == kind]
            if own:
                figure.add_scatter(**_spots(own, colour, name), showlegend=kind not in told, **at)
                told.add(kind)
        better = "right" if right else "left"
        low, high = min(spot.x for spot in spots), max(spot.x for spot in spots)
        room = (high - low or abs(high) or 1) * (0.3 if any(spot.named for spot in spots) else 0.06)
        figure.update_xaxes(
            title_text=f"{label(name)} (better to the {better})",
            range=[low - (high - low or 1) * 0.06, high + room],
            zeroline=False,
            **at,
        )
    figure.update_yaxes(title_text=label(study.objectives[0]), col=1)
    return figure.update_layout(
        height=90 + 320 * rows,
        margin=MARGIN,
        hovermode="closest",
        showlegend=len(told) > 1,
        legend=LEGEND,
    )


def _spots(spots: list[Spot], colour: str, name: str) -> dict[str, object]:
    winner = spots[0].kind == "the winner"
    trace: dict[str, object] = {
        "name": spots[0].kind,
        "legendgroup": spots[0].kind,
        "mode": "markers+text" if spots[0].named else "markers",
        "x": [spot.x for spot in spots],
        "y": [spot.y for spot in spots],
        "text": [label(spot.name) for spot in spots],
        "textposition": "middle right",
        "textfont": {"size": 11},
        "cliponaxis": False,
        "marker": {
            "color": colour,
            "size": 12 if winner else 9,
            "symbol": "star" if winner else "circle",
        },
        "hovertemplate": f"%{{text}}<br>{label(name)} %{{x:.4g}}, %{{y:.4f}}<extra></extra>",
    }
    if all(spot.low is not None for spot in spots):
        trace["error_y"] = {
            "type": "data",
            "array": [(spot.high or 0) - spot.y for spot in spots],
            "arrayminus": [spot.y - (spot.low or 0) for spot in spots],
            "thickness": 1.2,
            "width": 3,
        }
    return trace
