"""Metrics by group of users or class of items: the rows, and a table for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import BucketRow, by_bucket, has_buckets
from cfexp.analysis.words import plain
from cfexp.report import leaderboard as board
from cfexp.report.numbers import value
from cfexp.report.vectors import STAGES, StageName, attributes_of, averaged

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from cfexp.search.record import StudyRecord


_ACROSS = 6
"""How many groups stand beside one another at most."""


@dataclass(frozen=True)
class BucketLine:
    """One configuration's groups, on one stage; seeds are averaged user by user."""

    buckets: Buckets
    stage: StageName
    label: str
    winner: bool
    rows: tuple[BucketRow, ...]


def bucket_lines(study: StudyRecord) -> list[BucketLine]:
    """Return the groups of the winner and of every baseline, in the leaderboard's order.

    While there is no winner, all final configurations are shown. What was not
    measured, or not kept user by user, is left out.
    """
    rows = board.leaderboard(study)
    chosen = board.winner(rows) is not None
    shown = [row for row in rows if row.winner or row.role == "baseline" or not chosen]
    lines = []
    attributes = attributes_of(study)
    for stage in STAGES:
        measured = [(row, averaged(study, row.runs, stage)) for row in shown]
        for buckets in map(Buckets.model_validate, study.spec.get("buckets", [])):
            for row, evaluation in measured:
                if evaluation is not None and has_buckets(evaluation, buckets, attributes):
                    groups = tuple(by_bucket(evaluation, buckets, attributes))
                    lines.append(BucketLine(buckets, stage, row.label, row.winner, groups))
    return lines


def bucket_frame(lines: list[BucketLine]) -> pd.DataFrame:
    """Return one row per configuration, stage and group."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "metric": line.buckets.metric,
                "by": line.buckets.by,
                "stage": STAGES[line.stage],
                "model": line.label,
                "bucket": row.label,
                "users": row.users,
                "mean": row.mean,
                "low": row.low,
                "high": row.high,
            }
            for line in lines
            for row in line.rows
        ]
    )


def bucket_tables(study: StudyRecord, stage: StageName = "test") -> list[Table]:
    """Return one rich table per `[[buckets]]`: models down, groups across if they are few."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    tables: list[Table] = []
    lines = [line for line in bucket_lines(study) if line.stage == stage]
    for buckets in dict.fromkeys(line.buckets for line in lines):
        table = Table(
            title=Text(f"{plain(buckets.title)}, on {STAGES[stage]}", style="bold"),
            title_justify="left",
            caption="± half of the 95% interval over users."
            + (" Users with a relevant item of the class." if buckets.of_items else ""),
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        longest = max(len(line.label) for line in lines)
        own = [line for line in lines if line.buckets == buckets]
        if len(own[0].rows) > _ACROSS:
            _groups_down(table, own)
            tables.append(table)
            continue
        table.add_column("", width=1)
        table.add_column("model\n", overflow="fold", min_width=min(24, longest))
        for row in own[0].rows:
            head = Text(f"{plain(row.label)}\n{row.users:,} users")
            table.add_column(head, justify="right")
        for line in own:
            cells = [_cell(row) for row in line.rows]
            style = "bold green" if line.winner else ""
            table.add_row("★" if line.winner else "", Text(line.label), *cells, style=style)
        tables.append(table)
    return tables


def _groups_down(table: Table, own: list[BucketLine]) -> None:
    """Fill a table of many groups: these down, models across."""
    from rich.text import Text

    table.add_column("group", overflow="fold")
    table.add_column("users", justify="right")
    for line in own:
        star = "★ " if line.winner else ""
        style = "bold green" if line.winner else ""
        table.add_column(Text(star + line.label), overflow="fold", justify="right", style=style)
    for place, row in enumerate(own[0].rows):
        cells = [_cell(line.rows[place]) for line in own]
        table.add_row(Text(plain(row.label)), f"{row.users:,}", *cells)


def _cell(row: BucketRow) -> str:
    if row.mean is None or row.high is None:
        return value(row.mean)
    return f"{value(row.mean)} ±{value(row.high - row.mean).removeprefix('0')}"
