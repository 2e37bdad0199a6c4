"""What the parameters do: importances, slices and parallel coordinates, model by model."""

from __future__ import annotations

import math
import random
from functools import partial
from typing import TYPE_CHECKING, Any

from cfexp.report.html.by_model import by_model, complete_trials, study_of
from cfexp.report.html.figure import BLUE, FROM_TO, MARGIN, ORANGE, cannot, drawn, label, said

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna
    from optuna.trial import FrozenTrial
    from plotly.graph_objects import Figure

    from cfexp.report.html.markup import Html

_FEW = 5
"""Fewer complete trials than this say nothing about the importance of a parameter."""
_ACROSS = 4
"""As many slices fit the page side by side."""
_NEAR = 0.06
"""Numbers this close to the end of an axis, as a share of it, would overlap with the end's."""
_MOST = 300
"""Of more trials than these fANOVA takes a minute, and lines become a carpet."""
_IMPORTANCE = (
    "Two methods, which may disagree: fANOVA asks what moves the value anywhere, "
    "PED-ANOVA what sets the best trials apart."
)
_SLICES = "The value against each parameter, from early trials (orange) to late ones (blue)."
_PARALLEL = "One line per complete trial, from worse (orange) to better (blue)."


def parameter_charts(trials: optuna.Study, objective: str) -> list[Html]:
    """Return importances, slices and parallel coordinates, for every model.

    A study that searches several models has one set per model, since their parameters
    differ (`als.alpha`, `item_knn.neighbours`). A chart that the trials do not allow
    is replaced by a sentence that says why.
    """
    try:
        studies = by_model(trials)
    except Exception as error:  # noqa: BLE001 - integers beyond 2^53 do not survive Optuna's floats
        return [said("Parameters", cannot(error))]
    return [
        chart
        for model, study in studies.items()
        for chart in _charts(study, objective, f"{model}: " if len(studies) > 1 else "")
    ]


def _charts(study: optuna.Study, objective: str, prefix: str) -> list[Html]:
    complete = complete_trials(study)
    names = sorted({name for trial in complete for name in trial.params})
    few = "" if complete else "No trial is complete yet."
    alone = few or ("" if names else "The search has no parameter.")
    compared = alone or (
        ""
        if len(complete) >= _FEW
        else f"At least {_FEW} complete trials are needed; there are {len(complete)}."
    )
    if not compared and len({trial.value for trial in complete}) == 1:
        compared = "All complete trials have the same value."
    if not compared and all(trial.params == complete[0].params for trial in complete):
        compared = "No parameter took more than one value."
    only = compared or ("" if len(names) > 1 else f"{names[0]} is the only parameter searched.")

    importance, parallel = _IMPORTANCE, _PARALLEL
    if len(complete) > _MOST:
        importance += f" fANOVA was given {_MOST} trials, drawn at random."
        parallel += f" The best {_MOST} trials are shown."

    charts: list[tuple[str, str, str, Callable[[], Figure]]] = [
        (
            "Importance of the parameters",
            only,
            importance,
            partial(_importances, study, objective),
        ),
        ("Slices", alone, _SLICES, partial(_slices, complete, names, objective)),
        ("Parallel coordinates", alone, parallel, partial(_parallel, study, objective)),
    ]
    return [
        said(prefix + heading, obstacle) if obstacle else drawn(prefix + heading, note, chart)
        for heading, obstacle, note, chart in charts
    ]


def _slices(trials: list[FrozenTrial], names: list[str], objective: str) -> Figure:
    from plotly.subplots import make_subplots

    columns = min(_ACROSS, len(names))
    rows = -(-len(names) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.3 / rows,
    )
    for place, name in enumerate(names):
        at = {"row": place // columns + 1, "col": place % columns + 1}
        own = [trial for trial in trials if name in trial.params]
        axis, values = _axis(name, own)
        figure.add_scatter(
            x=values,
            y=[trial.value for trial in own],
            mode="markers",
            marker={"color": [trial.number for trial in own], "coloraxis": "coloraxis", "size": 8},
            text=[f"trial {trial.number}" for trial in own],
            hovertemplate="%{text}: %{x}, %{y:.4f}<extra></extra>",
            **at,
        )
        figure.update_xaxes(title_text=label(name), **axis, **at)
    figure.update_yaxes(title_text=f"{label(objective)} on validation", col=1)
    return figure.update_layout(
        height=60 + 290 * rows,
        margin=MARGIN,
        showlegend=False,
        coloraxis={"colorscale": FROM_TO, "colorbar": {"title": "trial", "thickness": 12}},
    )


def _axis(name: str, trials: list[FrozenTrial]) -> tuple[dict[str, Any], list[Any]]:
    """Return the axis of a parameter and its values on it."""
    from optuna.distributions import CategoricalDistribution

    kind = trials[0].distributions[name]
    values = [trial.params[name] for trial in trials]
    if isinstance(kind, CategoricalDistribution):
        order = [label(choice) for choice in kind.choices]
        return {"type": "category", "categoryorder": "array", "categoryarray": order}, [
            label(one) for one in values
        ]
    if getattr(kind, "log", False):
        ticks = _log_ticks(min(values), max(values))
        named = [f"{tick:g}" for tick in ticks]
        return {"type": "log", "tickvals": ticks, "ticktext": named}, values
    return {}, values


def _log_ticks(low: float, high: float) -> list[float]:
    """Return the powers of ten between two positive numbers, or 1-2-5 steps if few.

    >>> _log_ticks(16, 256)
    [20.0, 50.0, 100.0, 200.0]
    >>> _log_ticks(0.001, 12)
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 2, 5)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= 3:  # noqa: PLR2004 - a scale shows at least three numbers
            return inside
    return inside or [low, high]


def _importances(study: optuna.Study, objective: str) -> Figure:
    from optuna import importance
    from plotly.graph_objects import Figure

    complete = complete_trials(study)
    drawn = random.Random(0).sample(complete, min(_MOST, len(complete)))  # noqa: S311 - no secret
    methods = {
        "PED-ANOVA": (study, importance.PedAnovaImportanceEvaluator(), BLUE),
        "fANOVA": (study_of(study, drawn), importance.FanovaImportanceEvaluator(seed=0), ORANGE),
    }
    figure = Figure()
    for method, (seen, evaluator, colour) in methods.items():
        shares = importance.get_param_importances(seen, evaluator=evaluator)
        figure.add_bar(
            name=method,
            orientation="h",
            y=[label(name) for name in reversed(shares)],
            x=list(shares.values())[::-1],
            marker={"color": colour},
            text=[f"{share:.0%}" for share in reversed(shares.values())],
            textposition="outside",
            cliponaxis=False,
        )
    figure.update_layout(
        barmode="group",
        height=160 + 60 * len(shares),
        legend={"traceorder": "reversed"},
        margin=MARGIN,
    )
    figure.update_xaxes(title_text=f"share in {objective} on validation", tickformat=".0%")
    return figure


def _parallel(study: optuna.Study, objective: str) -> Figure:
    """Return Optuna's chart in colours that are seen on light and dark paper alike."""
    from optuna.visualization import plot_parallel_coordinate
    from plotly.colors import sample_colorscale

    best = study.direction.name == "MAXIMIZE"
    ranked = sorted(complete_trials(study), key=lambda trial: trial.value or 0.0, reverse=best)
    shown = sorted(ranked[:_MOST], key=lambda trial: trial.number)
    figure = plot_parallel_coordinate(
        study_of(study, shown), target_name=f"{objective} on validation"
    )
    for trace in figure.data:
        if trace.mode == "lines":
            share = trace.y[0] if best else 1 - trace.y[0]
            (colour,) = sample_colorscale(FROM_TO, [share])
            trace.update(line={"color": colour, "width": 1.6}, opacity=0.8)
        else:
            trace.marker.update(colorscale=FROM_TO, reversescale=not best)
            trace.marker.colorbar.update(title=None, thickness=12)
    ticks = [tick for tick in figure.layout.annotations if not 0 < min(tick.y, 1 - tick.y) < _NEAR]
    for tick in ticks:
        tick.update(font={"color": None, "size": 10})
    figure.layout.annotations = ticks
    return figure.update_layout(plot_bgcolor=None, height=420, margin=MARGIN)
