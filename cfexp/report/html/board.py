"""The leaderboard, with intervals and what sets the winner apart; then every other metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.worst import measured_by
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.html.markup import Html, joined, shared_out, table, tag, text
from cfexp.report.numbers import MISSING, duration, gain, p_value
from cfexp.report.tables import cell, head, notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.analysis.intervals import Interval
    from cfexp.analysis.significance import Difference
    from cfexp.report.findings import Findings
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

_WIDTH, _HEIGHT = 130, 14  # of an interval's mark, in pixels
_ACROSS = 7
"""More metrics than these do not fit a table on paper."""
_CLASSES = {"better": "better", "worse": "worse", "no clear difference": "unclear"}


def leaderboard(study: StudyRecord) -> Html:
    """Return the leaderboard by the first objective, and tables of the other metrics."""
    found = findings(study)
    if not found.rows:
        return tag("p", "Nothing has been fitted and read yet.")
    objective, *others = board.metric_names(study)
    return joined(
        _first(study, found, objective),
        tag("p", " ".join(_caption(study, found)), class_="note"),
        *(_other(found, some) for some in shared_out(others, _ACROSS)),
    )


def _first(study: StudyRecord, found: Findings, objective: str) -> Html:
    key = f"test/{objective}"
    known = [own[key] for own in found.intervals if key in own]
    span = (min(one.low for one in known), max(one.high for one in known)) if known else (0.0, 0.0)
    heads = ["", "model", f"validation {head(objective)}", f"test {head(objective)}"]
    heads += ["95% interval", "the winner against it", "seeds", "fit"]
    rows = [
        (
            f"{place}",
            _named(row),
            cell(row, own, f"val/{objective}"),
            cell(row, own, key),
            _mark(own[key], span) if key in own else MISSING,
            _against(study, found, row),
            f"{len(row.runs)}",
            duration(row.seconds),
        )
        for place, (row, own) in enumerate(zip(found.rows, found.intervals, strict=True), 1)
    ]
    return table(heads, rows, align="rlrrllrr", marked=_winner(found))


def _other(found: Findings, metrics: Sequence[str]) -> Html:
    rows = [
        (row.label, *(cell(row, own, f"test/{metric}") for metric in metrics))
        for row, own in zip(found.rows, found.intervals, strict=True)
    ]
    heads = ["on test", *map(head, metrics)]
    return table(heads, rows, align="l" + "r" * len(metrics), marked=_winner(found))


def _winner(found: Findings) -> int:
    best = board.winner(found.rows)
    return -1 if best is None else found.rows.index(best)


def _named(row: Row) -> Html:
    star = "★ " if row.winner else ""
    return joined(f"{star}{row.label}", tag("div", notes(row), class_="small note"))


def _mark(one: Interval, span: tuple[float, float]) -> Html:
    """Return an interval as a line with a dot, on a scale that all rows share."""
    wide = (span[1] - span[0]) or 1.0

    def place(number: float) -> str:
        return f"{4 + (number - span[0]) / wide * (_WIDTH - 8):.1f}"

    middle = _HEIGHT // 2
    bounds = {"x1": place(one.low), "x2": place(one.high), "y1": middle, "y2": middle}
    return tag(
        "svg",
        tag("title", f"{one.low:.4f} to {one.high:.4f}"),
        tag("line", **bounds),
        tag("circle", cx=place(one.estimate), cy=middle, r=4),
        class_="mark",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
    )


def _against(study: StudyRecord, found: Findings, row: Row) -> Html:
    if row.winner:
        return text("the winner")
    pair = found.pair_of(row)
    if pair is None:
        return tag("span", "not compared" if found.pairs else MISSING, class_="unclear")
    words = pair.words(study.direction)
    return joined(
        tag("span", words, class_=_CLASSES[words]), tag("div", _figures(pair), class_="small note")
    )


def _figures(pair: Difference) -> str:
    return f"{gain(pair.mean, pair.relative)}, {p_value(pair.p_corrected)}"


def _caption(study: StudyRecord, found: Findings) -> list[str]:
    users = {row.metrics["test/users"] for row in found.rows if "test/users" in row.metrics}
    words = [f"{max(users):,.0f} users on test."] if users else []
    if board.winner(found.rows) is not None:
        words.append("★ was chosen on validation.")
    words.append("± is half of the 95% interval over users.")
    if found.pairs:
        metric = measured_by(study.objectives[0])
        words.append(
            f"“The winner against it” is by {metric} on test, paired by user; p-values are "
            f"corrected for {sum(pair is not None for _, pair in found.pairs)} comparisons. "
            "Finalists below the runner-up are not compared."
        )
    return words
