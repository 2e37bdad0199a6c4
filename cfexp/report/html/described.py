"""The page of `cfexp data describe`: what a log is like, drawn, and a study to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.report.html.figure import BLUE, LEGEND, MARGIN, ORANGE, drawn
from cfexp.report.html.markup import Html, bullets, joined, lines, table, tag
from cfexp.report.html.page import Chapter, page

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from cfexp.analysis.describe import Description, Spread, Times
    from cfexp.analysis.suggest import Suggestion

Facts = list[tuple[str, str]]


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
        *([Chapter("Values", _values(found))] if found.values.distinct > 1 else []),
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
    return f"{values.low:g} to {values.high:g}, mean {values.mean:.3g}, {different}"


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
    return joined(quantiles, drawn("Activity and popularity", note, lambda: _curves(found)))


def _curves(found: Description) -> Figure:
    import plotly.graph_objects as go

    def line(name: str, spread: Spread, colour: str) -> go.Scatter:
        x, y = zip(*spread.at_least, strict=True)
        return go.Scatter(x=x, y=y, name=name, mode="lines+markers", line={"color": colour})

    figure = go.Figure(
        [line("users", found.activity, BLUE), line("items", found.popularity, ORANGE)]
    )
    figure.update_traces(marker={"size": 4})
    figure.update_xaxes(type="log", title="rows, at least")
    figure.update_yaxes(type="log", title="share", tickformat="~p")
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


def _values(found: Description) -> Html:
    import plotly.graph_objects as go

    values = found.values
    if not values.shares:
        return tag("p", f"Values are {_range(found)}.")

    def bars() -> Figure:
        x, y = zip(*values.shares, strict=True)
        figure = go.Figure(go.Bar(x=[f"{one:g}" for one in x], y=y, marker={"color": BLUE}))
        figure.update_xaxes(type="category", title="value")
        figure.update_yaxes(title="share of the rows", tickformat="~p")
        figure.update_layout(margin=MARGIN, height=340)
        return figure

    return drawn("Values", "How many of the rows have each value.", bars)
