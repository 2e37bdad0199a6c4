"""Tables for the terminal and for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.analysis.words import plain
from cfexp.analysis.worst import goal_of, measured_by
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.numbers import counted, duration, parameter, plus_minus, value
from cfexp.report.vectors import STAGES
from cfexp.report.verdict import as_dict

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from cfexp.analysis.intervals import Interval
    from cfexp.report.findings import Findings
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

_MASKS = {"positives": "hides only positives", "none": "hides nothing"}
_FIXED = 48  # what the columns take but the model's and the secondary metrics'
_MODEL = (24, 60)  # the model's column: parameters need some room, names may have more
_GAP = 3  # characters between columns


def leaderboard_table(study: StudyRecord, width: int = 100) -> Table:
    """Return the leaderboard as a rich table; the winner is marked with a star.

    `width` is the terminal's, in characters: as many metrics are shown as fit.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = findings(study)
    rows = found.rows
    objective, *others = board.metric_names(study)
    room = max(_MODEL[0], min(_MODEL[1], max((len(row.label) for row in rows), default=0)))
    room = max(_MODEL[0], min(room, width - _FIXED))
    shown = _that_fit(others, width - _FIXED - room)
    table = Table(
        title=Text(f"{plain(study.name)}: leaderboard", style="bold"),
        title_justify="left",
        caption=_caption(found, objective, len(others) - len(shown)),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("", width=1)
    table.add_column("\nmodel", overflow="fold", min_width=room, max_width=_MODEL[1])
    tops = [f"validation\n{head(objective)}", *(f"test\n{head(x)}" for x in [objective, *shown])]
    for top in tops:
        table.add_column(Text(top), justify="right", no_wrap=True)
    table.add_column("\nfit", justify="right", no_wrap=True)
    for row, intervals in zip(rows, found.intervals, strict=True):
        table.add_row(
            "★" if row.winner else "",
            Text.assemble(row.label, (_noted(row), "dim not bold")),
            cell(row, intervals, f"val/{objective}"),
            cell(row, intervals, f"test/{objective}"),
            *(value(row.metrics.get(f"test/{metric}")) for metric in shown),
            duration(row.seconds),
            style="bold green" if row.winner else "",
        )
    return table


def leaderboard_frame(study: StudyRecord) -> pd.DataFrame:
    """Return the leaderboard, one row each.

    Every metric with its spread over seeds and its 95% interval over users; the first
    objective with the winner's comparison.
    """
    import pandas as pd

    names = board.metric_names(study)
    keys = [f"{stage}/{name}" for stage in ("val", "test") for name in [*names, "users"]]
    found = findings(study)
    return pd.DataFrame(
        [
            _flat(place, row, keys, found.intervals[place - 1]) | _compared(study, found, row)
            for place, row in enumerate(found.rows, 1)
        ]
    )


def leaderboard_json(study: StudyRecord) -> dict[str, Any]:
    """Return the leaderboard as plain values for JSON.

    A row's `intervals` are its metrics' 95% intervals over users; `winner_against_it` is
    the winner's difference from it, with the p-value corrected over all of them.
    """
    found = findings(study)
    return {
        "study": study.name,
        "objective": study.objectives[0],
        "direction": study.direction,
        "rows": [
            {
                "rank": place,
                "model": row.label,
                "role": row.role,
                "trial": row.trial,
                "winner": row.winner,
                "mask": row.mask,
                "seeds": len(row.runs),
                "epochs": row.epochs,
                "fit_seconds": row.seconds,
                "reason": row.reason,
                "parameters": row.model,
                "facts": row.facts,
                "metrics": row.metrics,
                "spread": row.spread,
                "intervals": {
                    key: [one.low, one.high] for key, one in found.intervals[place - 1].items()
                },
                "winner_against_it": as_dict(study, pair) if (pair := found.pair_of(row)) else None,
            }
            for place, row in enumerate(found.rows, 1)
        ],
        "test_readings": [
            {**reading.to_json(), "finalists": list(reading.finalists)}
            for reading in study.readings
        ],
        "warnings": found.warnings,
    }


def _compared(study: StudyRecord, found: Findings, row: Row) -> dict[str, Any]:
    if not found.pairs:
        return {}
    names = ("difference", "low", "high", "relative", "effect", "p", "p_corrected", "outcome")
    metric, pair = measured_by(study.objectives[0]), found.pair_of(row)
    known = as_dict(study, pair) if pair else {}
    return {f"winner's {metric} {name}": known.get(name) for name in names}


def _flat(place: int, row: Row, keys: list[str], intervals: dict[str, Interval]) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "rank": place,
        "model": row.label,
        "role": row.role,
        "winner": row.winner,
        "seeds": len(row.runs),
        "mask": row.mask,
        "epochs": row.epochs,
        "fit_seconds": row.seconds,
    }
    for key in keys:
        if key in row.metrics:
            flat[key] = row.metrics[key]
        if key in row.spread and not key.endswith("/users"):
            flat[f"{key} spread"] = row.spread[key]
        if key in intervals:
            flat |= {f"{key} low": intervals[key].low, f"{key} high": intervals[key].high}
    return flat | {f"param/{name}": given for name, given in row.model.items()}


def _that_fit(metrics: list[str], width: int) -> list[str]:
    shown: list[str] = []
    for metric in metrics:
        width -= max(len(head(metric)), len("0.0000")) + _GAP
        if width < 0:
            break
        shown.append(metric)
    return shown


def head(metric: str) -> str:
    """Return a metric as a column's head; an arrow marks one that is better when low."""
    name = plain(metric)
    return name if goal_of(metric).direction == "maximize" else f"{name} ↓"


def notes(row: Row) -> str:
    """Return what a row's label does not say: parameters searched, mask, why it failed."""
    given = ", ".join(f"{name} {parameter(number)}" for name, number in row.searched.items())
    failed = f"failed: {row.reason}" if row.reason else ""
    return "; ".join(filter(None, [given, _MASKS.get(row.mask), failed]))


def _noted(row: Row) -> str:
    return f"\n{words}" if (words := notes(row)) else ""


def cell(row: Row, intervals: dict[str, Interval], key: str) -> str:
    """Return a row's metric, with its interval where there is one."""
    low, high = (one.low, one.high) if (one := intervals.get(key)) else (None, None)
    return plus_minus(row.metrics.get(key), low, high)


def _caption(found: Findings, objective: str, hidden: int) -> str:
    rows = found.rows
    users = {row.metrics["test/users"] for row in rows if "test/users" in row.metrics}
    parts = [f"{max(users):,.0f} users on test."] if users else []
    if any(row.winner for row in rows):
        parts.append("★ chosen on validation.")
    if any(f"{stage}/{objective}" in own for own in found.intervals for stage in STAGES):
        parts.append("± half of the 95% interval over users.")
    if hidden:
        parts.append(f"{counted(hidden, 'more metric')} in leaderboard.csv.")
    return " ".join(parts)
