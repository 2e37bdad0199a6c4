"""Charts of the search, drawn by Optuna from its own study."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from cfexp.report.page import Section, drawn, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna
    from optuna.trial import FrozenTrial
    from plotly.graph_objects import Figure

_FEW = 5
"""Fewer complete trials than this say nothing about the importance of a parameter."""
_PANELS = 4
"""More slices than these do not fit the page; it scrolls."""
_HISTORY = "The value of every complete trial, and the best so far."
_IMPORTANCE = (
    "Two methods, which may disagree: fANOVA asks what moves the value anywhere, "
    "PED-ANOVA what sets the best trials apart."
)
_SLICES = "The value against each parameter; darker points came later."
_PARALLEL = "One line per complete trial; darker lines are better."


def search_sections(trials: optuna.Study, objective: str) -> list[Section]:
    """Return history, importances, slices and parallel coordinates, for every model.

    A study that searches several models has one set per model, since their parameters
    differ (`als.alpha`, `item_knn.neighbours`). A chart that the trials do not allow
    is replaced by a sentence that says why.
    """
    try:
        studies = _by_model(trials)
    except Exception as error:  # noqa: BLE001 - integers beyond 2^53 do not survive Optuna's floats
        return [refused("Charts of the search", error)]
    return [
        section
        for model, study in studies.items()
        for section in _sections(study, objective, f"{model}: " if len(studies) > 1 else "")
    ]


def _sections(study: optuna.Study, objective: str, prefix: str) -> list[Section]:
    from optuna import visualization as draw

    complete = _complete(study)
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
    axis = f"validation {objective}"

    charts: list[tuple[str, str, str, Callable[[], Figure]]] = [
        ("History", few, _HISTORY, lambda: draw.plot_optimization_history(study, target_name=axis)),
        ("Importance of the parameters", only, _IMPORTANCE, lambda: _importances(study, axis)),
        ("Slices", alone, _SLICES, lambda: _slices(draw.plot_slice(study, target_name=axis))),
        (
            "Parallel coordinates",
            alone,
            _PARALLEL,
            lambda: draw.plot_parallel_coordinate(study, target_name=axis),
        ),
    ]
    return [
        Section(prefix + heading, obstacle)
        if obstacle
        else drawn(prefix + heading, note, partial(_styled, chart))
        for heading, obstacle, note, chart in charts
    ]


def _styled(chart: Callable[[], Figure]) -> Figure:
    return chart().update_layout(template="plotly_white", title=None, margin={"t": 40, "b": 70})


def _slices(figure: Figure) -> Figure:
    """Let few panels share the page's width, and write out the values on log scales."""
    if len(figure.data) <= _PANELS:
        figure.update_layout(width=None)
    for trace in figure.data:
        axis = figure.layout[(trace.xaxis or "x").replace("x", "xaxis")]
        if axis.type == "log":
            ticks = _log_ticks(min(trace.x), max(trace.x))
            axis.update(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    return figure


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


def _importances(study: optuna.Study, axis: str) -> Figure:
    from optuna import importance
    from plotly.graph_objects import Figure

    methods = {
        "PED-ANOVA": (importance.PedAnovaImportanceEvaluator(), "#0072b2"),
        "fANOVA": (importance.FanovaImportanceEvaluator(seed=0), "#e69f00"),
    }
    figure = Figure()
    for method, (evaluator, colour) in methods.items():
        shares = importance.get_param_importances(study, evaluator=evaluator)
        figure.add_bar(
            name=method,
            orientation="h",
            y=list(shares)[::-1],
            x=list(shares.values())[::-1],
            marker={"color": colour},
            text=[f"{share:.0%}" for share in reversed(shares.values())],
            textposition="outside",
            cliponaxis=False,
        )
    figure.update_layout(
        barmode="group", height=160 + 60 * len(shares), legend={"traceorder": "reversed"}
    )
    figure.update_xaxes(title_text=f"share in {axis}", tickformat=".0%")
    return figure


def _by_model(trials: optuna.Study) -> dict[str, optuna.Study]:
    """Return one study per model, of the first objective alone.

    Models are told apart by the prefix of their parameters' names. In a model's study
    the other trials are left as gaps, so that every trial keeps its number.
    """
    owners = {trial.number: _owner(trial) for trial in _complete(trials)}
    models = dict.fromkeys(owners.values())
    if len(models) <= 1 and len(trials.directions) == 1:
        return {"": trials}
    return {model: _part(trials, model, owners) for model in models or [""]}


def _owner(trial: FrozenTrial) -> str:
    return next((name.rpartition(".")[0] for name in trial.params), "")


def _part(trials: optuna.Study, model: str, owners: dict[int, str]) -> optuna.Study:
    from optuna import create_study, logging
    from optuna.trial import TrialState, create_trial

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)  # a study made for drawing is no news
    part = create_study(direction=trials.directions[0])
    logging.set_verbosity(verbosity)
    for trial in trials.get_trials(deepcopy=False):
        own = owners.get(trial.number) == model
        part.add_trial(
            create_trial(
                value=trial.values[0], params=trial.params, distributions=trial.distributions
            )
            if own
            else create_trial(state=TrialState.FAIL)
        )
    return part


def ended(trials: optuna.Study) -> str:
    """Return how the trials ended, in words: `28 complete, 2 pruned`."""
    from collections import Counter

    counts = Counter(trial.state.name.lower() for trial in trials.get_trials(deepcopy=False))
    states = {"complete": "complete", "pruned": "pruned", "fail": "failed"}
    words = [f"{counts[state]:,} {word}" for state, word in states.items() if counts[state]]
    return ", ".join(words) or "none has ended"


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
