"""Metrics by group of users or class of items: bars with 95% intervals, and their numbers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cfexp.analysis.words import plain
from cfexp.report.buckets import bucket_lines
from cfexp.report.html.figure import BLUE, LEGEND, MARGIN, OTHERS, drawn, label
from cfexp.report.html.markup import Html, folded, joined, shared_out, table, tag
from cfexp.report.numbers import plus_minus
from cfexp.report.vectors import STAGES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.analysis.buckets import BucketRow
    from cfexp.report.buckets import BucketLine
    from cfexp.search.store.record import StudyRecord

_BESIDE = 30
"""More bars than these in a panel, and panels stand one below the other."""
_ACROSS = 6
"""More groups than these do not fit a table on paper."""


def groups(study: StudyRecord) -> Html:
    """Return a chart and a table per `[[buckets]]` of the study."""
    lines = bucket_lines(study)
    if not lines:
        return tag(
            "p",
            "The study file has no [[buckets]], or their values were not kept; one such as "
            '[[buckets]] metric = "recall@10", by = "train_positives" shows for whom the winner is '
            "good.",
        )
    return joined(
        *(
            _partition(buckets, [line for line in lines if line.buckets == buckets])
            for buckets in dict.fromkeys(line.buckets for line in lines)
        )
    )


def _partition(buckets: Buckets, lines: list[BucketLine]) -> Html:
    note = f"By {buckets.axis}. Means over the users of a group; whiskers are 95% intervals."
    if buckets.of_items:
        note += " Of users with a relevant item of the class, counting those items alone."
    chart = drawn(plain(buckets.title), note, partial(_figure, buckets, lines))
    test = [line for line in lines if line.stage == "test"]
    return joined(chart, folded("The numbers, on test", _numbers(test))) if test else chart


def _numbers(lines: list[BucketLine]) -> Html:
    parts = []
    for some in shared_out(range(len(lines[0].rows)), _ACROSS):
        groups = [[line.rows[place] for place in some] for line in lines]
        heads = ["", *(f"{row.label}, {row.users:,} users" for row in groups[0])]
        cells = [
            (line.label, *(plus_minus(row.mean, row.low, row.high) for row in own))
            for line, own in zip(lines, groups, strict=True)
        ]
        best = next((place for place, line in enumerate(lines) if line.winner), -1)
        parts.append(table(heads, cells, align="l" + "r" * (len(heads) - 1), marked=best))
    return joined(*parts)


def _figure(buckets: Buckets, lines: list[BucketLine]) -> Figure:
    from plotly.subplots import make_subplots

    stages = [stage for stage in STAGES if any(line.stage == stage for line in lines)]
    bars = max(len(line.rows) for line in lines) * len({line.label for line in lines})
    beside = bars <= _BESIDE
    shape = {"cols": len(stages)} if beside else {"rows": len(stages)}
    figure = make_subplots(
        **shape,
        subplot_titles=[f"on {STAGES[stage]}" for stage in stages],
        shared_yaxes="all",
        horizontal_spacing=0.04,
        vertical_spacing=0.2,
    )
    colours = _colours(lines)
    told: set[str] = set()
    for line in lines:
        place = stages.index(line.stage) + 1
        at = {"row": 1, "col": place} if beside else {"row": place, "col": 1}
        figure.add_bar(**_bar(line, colours[line.label]), showlegend=line.label not in told, **at)
        told.add(line.label)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text=buckets.metric, rangemode="tozero", col=1)
    return figure.update_layout(
        barmode="group",
        height=400 if beside else 120 + 300 * len(stages),
        margin=MARGIN,
        legend={**LEGEND, "y": 1.1 if beside else 1.05},
    )


def _bar(line: BucketLine, colour: str) -> dict[str, Any]:
    return {
        "name": label(line.label),
        "legendgroup": line.label,
        "marker": {"color": colour},
        "x": [_tick(row) for row in line.rows],
        "y": [row.mean for row in line.rows],
        "error_y": {
            "type": "data",
            "array": [_gap(row.mean, row.high) for row in line.rows],
            "arrayminus": [_gap(row.low, row.mean) for row in line.rows],
            "thickness": 1.2,
            "width": 4,
        },
        "hovertemplate": "%{y:.4f} +%{error_y.array:.4f} -%{error_y.arrayminus:.4f}",
    }


def _tick(row: BucketRow) -> str:
    name = label(row.label).replace(" (", "<br>(")
    return f"{name}<br>{row.users:,}<br>users"


def _gap(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low


def _colours(lines: list[BucketLine]) -> dict[str, str]:
    others = list(dict.fromkeys(line.label for line in lines if not line.winner))
    colours = {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(others)}
    return colours | {line.label: BLUE for line in lines if line.winner}
