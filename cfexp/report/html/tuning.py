"""Did tuning help: the winner's differences from the default, the baselines, the runner-up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cfexp.analysis.worst import measured_by
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.html.figure import BLUE, GREY, LEGEND, MARGIN, ORANGE, drawn, label
from cfexp.report.html.markup import Html, joined, tag
from cfexp.report.numbers import counted, gain, p_value
from cfexp.report.verdict import tuning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plotly.graph_objects import Figure

    from cfexp.analysis.significance import Difference
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

_COLOURS = {"better": BLUE, "worse": ORANGE, "no clear difference": GREY}


def did_tuning_help(study: StudyRecord) -> Html:
    """Return the answer in a sentence or two, and a forest plot."""
    found = findings(study)
    best, metric = board.winner(found.rows), measured_by(study.objectives[0])
    if best is None:
        return tag("p", "There is no winner yet, so nothing is compared.")
    if not Metric.parse(metric).per_user:
        return tag(
            "p", f"{metric} has no value for a single user, so there is no paired comparison."
        )
    pairs = [(row, pair) for row, pair in found.pairs if pair is not None]
    if not pairs:
        return tag("p", "No other configuration has values of users to compare the winner with.")
    own = [pair for row, pair in pairs if row.default and row.entry == best.entry]
    outcomes = [pair.words(study.direction) for row, pair in pairs if row.role == "baseline"]
    sentences = [*(tuning(study, pair) for pair in own), *_counted(outcomes, defaults=bool(own))]
    side = "right" if study.direction == "maximize" else "left"
    note = (
        f"The winner's {metric} on test minus the other's, user by user, with 95% intervals: "
        f"{side} of zero the winner is better."
    )
    return joined(
        *(tag("p", sentence) for sentence in sentences),
        drawn("Paired differences", note, lambda: _forest(study, best, pairs, metric)),
    )


def _counted(outcomes: list[str], *, defaults: bool) -> Iterator[str]:
    """Say how many baselines the winner beats."""
    counts = Counter(outcomes)
    if counts:
        beaten = counts["better"]
        better = ["better than all" if beaten == len(outcomes) else f"better than {beaten}"]
        rest = (
            f"{word} than {n}" if word == "worse" else f"not clearly different from {n}"
            for word, n in counts.items()
            if word != "better"
        )
        words = ", ".join([*better[: bool(beaten)], *rest])
        among = ", defaults among them," if defaults else ""
        yield f"Of {counted(len(outcomes), 'baseline')}{among} the winner is {words}."


def _forest(
    study: StudyRecord, best: Row, pairs: list[tuple[Row, Difference]], metric: str
) -> Figure:
    from plotly.graph_objects import Figure

    second = board.runner_up(study, findings(study).rows)
    figure = Figure()
    names = [f"{label(row.label)}{', the runner-up' * (row == second)}" for row, _ in pairs]
    for outcome, colour in _COLOURS.items():
        own = [
            (name, pair)
            for name, (_, pair) in zip(names, pairs, strict=True)
            if pair.words(study.direction) == outcome
        ]
        if own:
            figure.add_scatter(
                name=outcome,
                mode="markers",
                x=[pair.mean for _, pair in own],
                y=[name for name, _ in own],
                error_x={
                    "type": "data",
                    "array": [pair.high - pair.mean for _, pair in own],
                    "arrayminus": [pair.mean - pair.low for _, pair in own],
                    "thickness": 1.6,
                },
                marker={"color": colour, "size": 10},
                hovertemplate="%{y}: %{x:.4f}, +%{error_x.array:.4f} −%{error_x.arrayminus:.4f}"  # noqa: RUF001
                "<extra></extra>",
            )
    for name, (_, pair) in zip(names, pairs, strict=True):
        beside = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 10}
        figure.add_annotation(text=_figures(pair), y=name, showarrow=False, **beside)
    figure.add_vline(x=0, line={"color": GREY, "width": 1, "dash": "dash"})
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], type="category")
    figure.update_xaxes(title_text=f"{label(best.label)} minus the other, {metric}")
    return figure.update_layout(
        height=130 + 36 * len(pairs),
        margin={**MARGIN, "r": 240},
        showlegend=True,
        legend=LEGEND,
    )


def _figures(pair: Difference) -> str:
    return label(f"{gain(pair.mean, pair.relative)}, {p_value(pair.p_corrected)}")
