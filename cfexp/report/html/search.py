"""The search: every trial as it came, what its parameters do, what can be traded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cfexp.analysis.words import plain
from cfexp.report.html.figure import BLUE, GREY, LEGEND, MARGIN, OTHERS, drawn, label
from cfexp.report.html.markup import Html, bullets, joined, tag
from cfexp.report.html.parameters import parameter_charts
from cfexp.report.html.tradeoff import trial_fronts

if TYPE_CHECKING:
    import optuna
    from plotly.graph_objects import Figure

    from cfexp.search.store.record import RunRecord, StudyRecord

_HISTORY = (
    "Every trial by its best value; crosses are pruned, the line is the best so far, "
    "rings are the configurations that went to the finals."
)


def the_search(study: StudyRecord, trials: optuna.Study | None) -> Html:
    """Return history, importances, slices, parallel coordinates and fronts."""
    ended = study.of_role("trial")
    if not ended:
        return tag("p", "No trial has ended yet.")
    key = f"val/{study.objectives[0]}"
    parts = [_failures(ended)]
    if any(key in run.metrics for run in ended):
        parts.append(drawn("History", _HISTORY, lambda: _history(study, key)))
    if trials is not None:
        parts += parameter_charts(trials, study.objectives[0])
    parts.append(trial_fronts(study))
    return joined(*(part for part in parts if part is not None))


def _failures(trials: list[RunRecord]) -> Html | None:
    reasons = Counter(plain(run.reason or "unknown") for run in trials if run.state == "failed")
    if not reasons:
        return None
    failed = (f"{count} failed: {reason}" for reason, count in reasons.most_common())
    return bullets(failed, class_="warnings")


def _history(study: StudyRecord, key: str) -> Figure:
    from plotly.graph_objects import Figure

    figure = Figure()
    known = [run for run in study.of_role("trial") if key in run.metrics]
    entries = list(dict.fromkeys(run.entry for run in known))
    for entry, colour in zip(entries, _colours(len(entries)), strict=True):
        own = [run for run in known if run.entry == entry]
        figure.add_scatter(
            name=label(entry),
            x=[run.number for run in own],
            y=[run.metrics[key] for run in own],
            mode="markers",
            marker={
                "color": colour,
                "size": 8,
                "symbol": ["x" if run.state == "pruned" else "circle" for run in own],
            },
            text=[f"{label(run.label)} ({run.state})" for run in own],
            hovertemplate="%{text}: %{y:.4f}<extra></extra>",
        )
    complete = [run for run in known if run.state == "complete"]
    best = _best_so_far([run.metrics[key] for run in complete], study.direction)
    figure.add_scatter(
        name="best so far",
        x=[run.number for run in complete],
        y=best,
        mode="lines",
        line={"color": GREY, "shape": "hv"},
    )
    finalists = study.readings[-1].finalists if study.readings else ()
    final = [run for run in complete if run.number in finalists]
    if final:
        figure.add_scatter(
            name="finalists",
            x=[run.number for run in final],
            y=[run.metrics[key] for run in final],
            mode="markers",
            marker={"symbol": "circle-open", "size": 15, "color": BLUE, "line": {"width": 2}},
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text=f"{label(study.objectives[0])} on validation")
    return figure.update_layout(
        height=380,
        margin=MARGIN,
        hovermode="closest",
        legend=LEGEND,
    )


def _best_so_far(values: list[float], direction: str) -> list[float]:
    better = max if direction == "maximize" else min
    found: list[float] = []
    for value in values:
        found.append(value if not found else better(found[-1], value))
    return found


def _colours(count: int) -> list[str]:
    return [(BLUE, *OTHERS)[place % (1 + len(OTHERS))] for place in range(count)]
