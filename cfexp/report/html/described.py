"""The page of `cfexp data describe`: what a log is like, drawn, and a study to begin with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cfexp.report.html.figure import BLUE, LEGEND, MARGIN, ORANGE, drawn
from cfexp.report.html.markup import Html, bullets, joined, lines, table, tag
from cfexp.report.html.page import Chapter, page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plotly.graph_objects import Figure

    from cfexp.analysis.describe import Description, Times, Values
    from cfexp.analysis.suggest import Suggestion

Facts = list[tuple[str, str]]
_DEEP = 1e-5


def described(
    name: str, found: Description, suggestion: Suggestion, study: str, dropped: Facts
) -> str:
    """Return the page; `study` is the suggested study file, `dropped` what reading left out."""
    lead = tag("p", f"{found.rows:,} rows, {found.users:,} users, {found.items:,} items.")
    warned = [bullets(suggestion.warnings, class_="warnings")] if suggestion.warnings else []
    chapters = [
        Chapter("In numbers", joined(*warned, table([], facts(found) + dropped, align="ll"))),
        Chapter("Users and items", _spreads(found)),
        *([Chapter("Over time", _over_time(found.times))] if found.times else []),
        *([Chapter("Values", _values(found.values))] if found.values.distinct > 1 else []),
        Chapter("A study to begin with", joined(bullets(suggestion.reasons), lines(study))),
    ]
    return page(f"{name}: the data", lead, chapters)


def facts(found: Description) -> Facts:
    """Return what a table says of a log, in order."""
    values, times = found.values, found.times
    rows = [
        ("rows", f"{found.rows:,}"),
        ("users", f"{found.users:,}"),
        ("items", f"{found.items:,}"),
        ("different pairs", f"{found.pairs:,}"),
        ("density", f"{found.density:.4%}"),
        ("rows that repeat a pair", f"{found.repeat_rate:.2%}"),
        ("values", "all 1" if values.low == values.high == 1 else _range(found)),
    ]
    for what, spread in (("users' rows", found.activity), ("items' rows", found.popularity)):
        rows += [
            (f"{what}: mean, Gini", f"{spread.mean:,.1f}, {spread.gini:.3f}"),
            (f"{what}: share of the top 1%", f"{spread.top_percent:.1%}"),
        ]
    if times is not None:
        rows += [
            ("first row (UTC)", times.first),
            ("last row (UTC)", times.last),
            ("days", f"{times.days:,.1f}"),
            ("different moments", f"{times.distinct:,}"),
            ("rows that share user and moment", f"{times.together:.1%}"),
        ]
        rows += [
            (
                f"cold from {cut.begins} on ({cut.held_out:.0%} of the rows)",
                f"{cut.items:.1%} of items, {cut.rows:.1%} of rows, {cut.users:.1%} of users",
            )
            for cut in times.cuts
        ]
    return rows


def _range(found: Description) -> str:
    values = found.values
    whole = "whole numbers" if values.whole else "numbers"
    different = f"{values.distinct:,} different {whole}"
    return f"{values.low:,.9g} to {values.high:,.9g}, mean {values.mean:,.4g}, {different}"


def quantile_rows(found: Description) -> list[list[str]]:
    """Return quantiles of users' and items' rows: a name and a cell for each."""
    return [
        [what, *(f"{number:,.1f}".removesuffix(".0") for number in spread.quantiles.values())]
        for what, spread in (("rows of a user", found.activity), ("of an item", found.popularity))
    ]


def quantile_names(found: Description) -> list[str]:
    """Return the names of the quantiles."""
    names = {"0": "least", "0.5": "median", "1": "most"}
    return ["", *(names.get(q, f"{float(q):.0%}") for q in found.activity.quantiles)]


def _spreads(found: Description) -> Html:
    head = quantile_names(found)
    quantiles = table(head, quantile_rows(found), align="l" + "r" * (len(head) - 1))
    note = (
        "The share of users, and of items, that have at least so many rows; both axes are "
        "logarithmic. A straight line is a power law."
    )
    curves = {"users": found.activity.at_least, "items": found.popularity.at_least}
    chart = drawn("Activity and popularity", note, lambda: _falling(curves, "rows, at least"))
    return joined(quantiles, chart)


def _falling(
    lines: Mapping[str, Sequence[tuple[float, float]]], title: str, axis: str = "log"
) -> Figure:
    """Draw shares of at least so much, on an axis of logarithms."""
    import plotly.graph_objects as go

    figure = go.Figure()
    lowest = min(share for points in lines.values() for _, share in points)
    for (name, points), colour in zip(lines.items(), (BLUE, ORANGE), strict=False):
        x, y = zip(*points, strict=True)
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line={"color": colour})
    figure.update_traces(marker={"size": 4})
    figure.update_xaxes(type=axis, title=title)
    heights = [math.log10(lowest) - 0.1, 0.1]  # all have the least there is
    ticks = "D2" if lowest > _DEEP else 1  # 1, 2, 5, 10 and so on, or powers of ten
    figure.update_yaxes(type="log", range=heights, dtick=ticks, title="share", tickformat="~p")
    figure.update_layout(margin=MARGIN, height=420, legend=LEGEND)
    return figure


def _over_time(times: Times) -> Html:
    import plotly.graph_objects as go

    def bars() -> Figure:
        x, y = zip(*times.rows_in, strict=True)
        figure = go.Figure(go.Bar(x=x, y=y, marker={"color": BLUE}))
        figure.update_xaxes(type="date")
        figure.update_yaxes(title="rows")
        figure.update_layout(margin=MARGIN, height=340)
        return figure

    length = times.days / len(times.rows_in)
    each = f"{length:.1f} days" if length >= 1 else f"{24 * length:.1f} hours"
    note = f"In {len(times.rows_in)} stretches of {each}, each shown where it begins (UTC)."
    return drawn("Rows", note, bars)


def _values(values: Values) -> Html:
    import plotly.graph_objects as go

    def bars() -> Figure:
        x, y = zip(*values.shares, strict=True)
        figure = go.Figure(go.Bar(x=[f"{one:g}" for one in x], y=y, marker={"color": BLUE}))
        figure.update_xaxes(type="category", title="value")
        figure.update_yaxes(title="share of the rows", tickformat="~p")
        figure.update_layout(margin=MARGIN, height=340)
        return figure

    def curve() -> Figure:
        axis = "log" if values.low > 0 else "linear"
        return _falling({"rows": values.at_least}, "value, at least", axis=axis)

    if values.shares:
        return drawn("Values", "How many of the rows have each value.", bars)
    return drawn("Values", "The share of the rows whose value is at least so much.", curve)
