"""Where the time went: fitting and scoring, by phase and by trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.report.html.figure import BLUE, LEGEND, MARGIN, ORANGE, drawn, label
from cfexp.report.html.markup import Html, joined, table, tag
from cfexp.report.numbers import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from cfexp.search.store.record import Role, RunRecord, StudyRecord

_PHASES: dict[str, Role] = {"baselines": "baseline", "trials": "trial", "finals": "final"}
_PARTS = {"fit": BLUE, "score": ORANGE}


def time_spent(study: StudyRecord) -> Html:
    """Return seconds by phase as a table, by trial as a chart."""
    phases = {name: study.of_role(role) for name, role in _PHASES.items()}
    rows = [
        (
            name,
            f"{len(runs):,}",
            duration(total(runs, "fit")),
            duration(total(runs, "score")),
            duration(under_way(runs)),
        )
        for name, runs in phases.items()
        if runs
    ]
    if not rows:
        return tag("p", "No run has ended yet.")
    rows.append(
        (
            "all",
            f"{len(study.runs):,}",
            duration(total(study.runs, "fit")),
            duration(total(study.runs, "score")),
            duration(under_way(study.runs)),
        )
    )
    words = (
        "Fitting and scoring add up over runs, epochs and workers. “Under way” is the time in "
        "which at least one run of the phase was going on; reading data, this report and MLflow "
        "are not in it."
    )
    optuna = study.seconds.get("optuna_per_trial")
    if optuna is not None:
        words += f" Optuna took {duration(optuna)} of each trial."
    heads = ["phase", "runs", "fitting", "scoring", "under way"]
    parts = [
        table(heads, rows, align="lrrrr", marked=len(rows) - 1),
        tag("p", words, class_="note"),
    ]
    timed = [run for run in phases["trials"] if run.seconds]
    if timed:
        parts.append(
            drawn("By trial", "Seconds of every trial that ended.", lambda: _figure(timed))
        )
    return joined(*parts)


def total(runs: Sequence[RunRecord], part: str) -> float:
    """Return the seconds that runs spent on a part."""
    return sum(run.seconds.get(part, 0.0) for run in runs)


def under_way(runs: Sequence[RunRecord]) -> float | None:
    """Return the seconds in which at least one of the runs was going on."""
    seconds, end = 0, 0
    for began, ended in sorted((run.started, run.ended) for run in runs):
        seconds += max(0, ended - max(began, end))
        end = max(end, ended)
    return seconds / 1000 if end else None


def _figure(trials: list[RunRecord]) -> Figure:
    from plotly.graph_objects import Figure

    figure = Figure()
    for part, colour in _PARTS.items():
        figure.add_bar(
            name={"fit": "fitting", "score": "scoring"}[part],
            x=[run.number for run in trials],
            y=[run.seconds.get(part, 0.0) for run in trials],
            marker={"color": colour},
            text=[label(run.label) for run in trials],
            textposition="none",
            hovertemplate="%{text}: %{y:.3g} s<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text="seconds", rangemode="tozero")
    return figure.update_layout(
        barmode="stack",
        height=330,
        margin=MARGIN,
        legend={**LEGEND, "traceorder": "normal"},
    )
