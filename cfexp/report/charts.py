"""The chart of metrics by group of users: bars with 95% intervals, one panel per stage."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from cfexp.report.page import Section, drawn
from cfexp.report.vectors import STAGES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.report.buckets import BucketLine

_WINNER = "#0072b2"
_OTHERS = ("#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442")
"""Okabe and Ito's colours, told apart by colour-blind readers too."""


def bucket_sections(lines: list[BucketLine]) -> list[Section]:
    """Return one chart per `[[buckets]]` of the study."""
    note = "Means over the users of a group; whiskers are 95% intervals."
    return [
        drawn(
            buckets.title,
            note,
            partial(_figure, buckets, [x for x in lines if x.buckets == buckets]),
        )
        for buckets in dict.fromkeys(line.buckets for line in lines)
    ]


def _figure(buckets: Buckets, lines: list[BucketLine]) -> Figure:
    from plotly.subplots import make_subplots

    stages = [stage for stage in STAGES if any(line.stage == stage for line in lines)]
    figure = make_subplots(
        cols=len(stages),
        subplot_titles=[f"On {STAGES[stage]}" for stage in stages],
        shared_yaxes=True,
        horizontal_spacing=0.03,
    )
    colours = _colours(lines)
    for line in lines:
        column = stages.index(line.stage) + 1
        drawn_before = any(trace.name == escape(line.label, quote=False) for trace in figure.data)
        figure.add_bar(
            **_bar(line, colours[line.label]), showlegend=not drawn_before, col=column, row=1
        )
    figure.update_xaxes(title_text=escape(buckets.axis, quote=False), type="category")
    figure.update_yaxes(title_text=buckets.metric, rangemode="tozero", col=1)
    figure.update_layout(
        template="plotly_white",
        barmode="group",
        height=420,
        margin={"l": 70, "r": 20, "t": 70, "b": 60},
        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
    )
    return figure


def _bar(line: BucketLine, colour: str) -> dict[str, Any]:
    above = [_gap(row.mean, row.high) for row in line.rows]
    below = [_gap(row.low, row.mean) for row in line.rows]
    return {
        "name": escape(line.label, quote=False),  # Plotly reads markup, and gives escaped text back
        "legendgroup": line.label,
        "marker": {"color": colour},
        "x": [f"{escape(row.label, quote=False)}<br>{row.users:,} users" for row in line.rows],
        "y": [row.mean for row in line.rows],
        "error_y": {
            "type": "data",
            "array": above,
            "arrayminus": below,
            "thickness": 1.2,
            "width": 4,
        },
        "hovertemplate": "%{y:.4f} +%{error_y.array:.4f} -%{error_y.arrayminus:.4f}",
    }


def _gap(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low


def _colours(lines: list[BucketLine]) -> dict[str, str]:
    others = list(dict.fromkeys(line.label for line in lines if not line.winner))
    colours = {label: _OTHERS[place % len(_OTHERS)] for place, label in enumerate(others)}
    return colours | {line.label: _WINNER for line in lines if line.winner}
