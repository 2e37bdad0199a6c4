"""Learning curves: validation and training loss, epoch by epoch, of the best trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.report.html.figure import BLUE, MARGIN, OTHERS, drawn, label
from cfexp.report.html.markup import Html, tag

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from cfexp.search.store.record import RunRecord, StudyRecord

_BEST = 6
_LOSS = "train/loss"


def learning_curves(study: StudyRecord) -> Html:
    """Return one chart, or a sentence where no trial has a curve."""
    key = f"val/{study.objectives[0]}"
    sign = -1 if study.direction == "maximize" else 1
    trials = [run for run in study.of_role("trial") if run.state == "complete"]
    best = sorted(trials, key=lambda run: sign * run.metrics[key])[:_BEST]
    curved = [run for run in best if len(run.curve) > 1]
    if not best:
        return tag("p", "No trial is complete, so there is no curve.")
    if not curved:
        return tag("p", "The best trials were each looked at once: they train in a single step.")
    loss = any(_LOSS in point.metrics for run in curved for point in run.curve)
    note = f"The {len(best)} best trials by {study.objectives[0]}; a ring marks the best epoch."
    if len(curved) < len(best):
        note += f" {len(best) - len(curved)} of them train in a single step and have no curve."
    if loss:
        note += " Losses are shares of their first value: those of other parameters do not compare."
    return drawn("Epoch by epoch", note, lambda: _figure(curved, key, loss=loss))


def _figure(runs: list[RunRecord], key: str, *, loss: bool) -> Figure:
    from plotly.subplots import make_subplots

    objective = label(key.removeprefix("val/"))
    titles = [f"{objective} on validation", "training loss"][: 1 + loss]
    figure = make_subplots(cols=len(titles), subplot_titles=titles, horizontal_spacing=0.08)
    for run, colour in zip(runs, (BLUE, *OTHERS), strict=False):
        epochs = [point.epoch for point in run.curve]
        shown = {
            "name": label(run.label),
            "legendgroup": run.key,
            "line": {"color": colour},
            "hovertemplate": "epoch %{x}: %{y:.4f}",
        }
        figure.add_scatter(
            x=epochs,
            y=[point.metrics.get(key) for point in run.curve],
            mode="lines+markers",
            marker={
                "size": [11 if epoch == run.best_epoch else 5 for epoch in epochs],
                "symbol": [
                    "circle-open" if epoch == run.best_epoch else "circle" for epoch in epochs
                ],
                "line": {"width": 2, "color": colour},
            },
            row=1,
            col=1,
            **shown,
        )
        if loss:
            values = [point.metrics.get(_LOSS) for point in run.curve]
            first = next((one for one in values if one), None)
            figure.add_scatter(
                x=epochs,
                y=[one / first if one is not None and first else None for one in values],
                mode="lines",
                showlegend=False,
                row=1,
                col=2,
                **shown,
            )
    figure.update_xaxes(title_text="epoch")
    return figure.update_layout(
        height=460, margin=MARGIN, legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}
    )
