"""Tables for the terminal and for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.analysis.words import plain
from cfexp.analysis.worst import goal_of
from cfexp.report import leaderboard as board
from cfexp.report.numbers import duration, parameter, value

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from cfexp.report.leaderboard import Row
    from cfexp.search.record import StudyRecord

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

    rows = board.leaderboard(study)
    objective, *others = board.metric_names(study)
    room = max(_MODEL[0], min(_MODEL[1], max((len(row.label) for row in rows), default=0)))
    room = max(_MODEL[0], min(room, width - _FIXED))
    shown = _that_fit(others, width - _FIXED - room)
    table = Table(
        title=Text(f"{plain(study.name)}: leaderboard", style="bold"),
        title_justify="left",
        caption=_caption(rows, len(others) - len(shown)),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("", width=1)
    table.add_column("\nmodel", overflow="fold", min_width=room, max_width=_MODEL[1])
    table.add_column(f"validation\n{_head(objective)}", justify="right", no_wrap=True)
    table.add_column(f"test\n{_head(objective)}", justify="right", no_wrap=True)
    for metric in shown:
        table.add_column(f"test\n{_head(metric)}", justify="right", no_wrap=True)
    table.add_column("\nfit", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            "★" if row.winner else "",
            Text.assemble(row.label, (_notes(row), "dim not bold")),
            _cell(row, f"val/{objective}"),
            _cell(row, f"test/{objective}"),
            *(value(row.metrics.get(f"test/{metric}")) for metric in shown),
            duration(row.seconds),
            style="bold green" if row.winner else "",
        )
    return table


def leaderboard_frame(study: StudyRecord) -> pd.DataFrame:
    """Return the leaderboard with every metric and its spread over seeds, one row each."""
    import pandas as pd

    names = board.metric_names(study)
    keys = [f"{stage}/{name}" for stage in ("val", "test") for name in [*names, "users"]]
    return pd.DataFrame(
        [_flat(place, row, keys) for place, row in enumerate(board.leaderboard(study), 1)]
    )


def leaderboard_json(study: StudyRecord) -> dict[str, Any]:
    """Return the leaderboard as plain values for JSON."""
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
            }
            for place, row in enumerate(board.leaderboard(study), 1)
        ],
    }


def _flat(place: int, row: Row, keys: list[str]) -> dict[str, Any]:
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
    return flat | {f"param/{name}": given for name, given in row.model.items()}


def _that_fit(metrics: list[str], width: int) -> list[str]:
    shown: list[str] = []
    for metric in metrics:
        width -= max(len(_head(metric)), len("0.0000")) + _GAP
        if width < 0:
            break
        shown.append(metric)
    return shown


def _head(metric: str) -> str:
    return metric if goal_of(metric).direction == "maximize" else f"{metric} ↓"


def _notes(row: Row) -> str:
    given = ", ".join(f"{name} {parameter(number)}" for name, number in row.searched.items())
    failed = f"failed: {row.reason}" if row.reason else ""
    notes = "; ".join(filter(None, [given, _MASKS.get(row.mask), failed]))
    return f"\n{notes}" if notes else ""


def _cell(row: Row, key: str) -> str:
    spread = f" ±{value(row.spread[key]).removeprefix('0')}" if key in row.spread else ""
    return value(row.metrics.get(key)) + spread


def _caption(rows: list[Row], hidden: int) -> str:
    users = {row.metrics["test/users"] for row in rows if "test/users" in row.metrics}
    parts = [f"{max(users):,.0f} users on test."] if users else []
    if any(row.winner for row in rows):
        parts.append("★ chosen on validation.")
    if any(row.spread for row in rows):
        parts.append("± standard deviation over seeds.")
    if hidden:
        parts.append(f"{hidden} more metrics in leaderboard.csv.")
    return " ".join(parts)
