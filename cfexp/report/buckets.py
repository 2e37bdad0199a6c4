"""Metrics by group of users or class of items: the rows, and a table for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import BucketRow, bucket_rows, has_buckets
from cfexp.analysis.words import plain
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.numbers import plus_minus
from cfexp.report.once import once
from cfexp.report.vectors import STAGES, StageName, attributes_of, averaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from rich.table import Table

    from cfexp.search.store.record import StudyRecord


_NAME = 24
"""Names of models are folded from here on, where groups stand beside one another."""
_CELL = len("0.0000 ±.0000")


@dataclass(frozen=True)
class BucketLine:
    """One configuration's groups, on one stage; seeds are averaged user by user."""

    buckets: Buckets
    stage: StageName
    label: str
    winner: bool
    rows: tuple[BucketRow, ...]


@once
def bucket_lines(study: StudyRecord) -> list[BucketLine]:
    """Return the groups of the winner and of every baseline, in the leaderboard's order.

    While there is no winner, all final configurations are shown. What was not
    measured, or not kept user by user, is left out.
    """
    rows = findings(study).rows
    chosen = board.winner(rows) is not None
    shown = [row for row in rows if row.winner or row.role == "baseline" or not chosen]
    lines = []
    attributes = attributes_of(study)
    for stage in STAGES:
        measured = [(row, averaged(study, row.runs, stage)) for row in shown]
        for buckets in map(Buckets.model_validate, study.spec.get("buckets", [])):
            known = [
                (row, evaluation)
                for row, evaluation in measured
                if evaluation is not None and has_buckets(evaluation, buckets, attributes)
            ]
            groups = bucket_rows([evaluation for _, evaluation in known], buckets, attributes)
            lines += [
                BucketLine(buckets, stage, row.label, row.winner, own)
                for (row, _), own in zip(known, groups, strict=True)
            ]
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


def bucket_tables(study: StudyRecord, width: int = 100) -> list[Table]:
    """Return one rich table per `[[buckets]]`, on test; `width` is in characters."""
    lines = [line for line in bucket_lines(study) if line.stage == "test"]
    return [
        group_table(
            buckets,
            [
                ("★" if line.winner else "", line.label, line.rows)
                for line in lines
                if line.buckets == buckets
            ],
            width,
        )
        for buckets in dict.fromkeys(line.buckets for line in lines)
    ]


def group_table(
    buckets: Buckets,
    lines: Sequence[tuple[str, str, tuple[BucketRow, ...]]],
    width: int,
) -> Table:
    """Return a table of groups on test: models down and groups across, or else for many.

    `lines` are the models' marks (a star, or nothing), names and groups.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"{plain(buckets.title)}, on test", style="bold"),
        title_justify="left",
        caption="± half of the 95% interval over users."
        + (" Users with a relevant item of the class." if buckets.of_items else ""),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    groups = lines[0][2]
    room = min(_NAME, max(len(name) for _, name, _ in lines))
    across = sum(max(_CELL, len(row.label), len(f"{row.users:,} users")) + 2 for row in groups)
    if room + 4 + across > width:
        _groups_down(table, lines)
        return table
    table.add_column("", width=1)
    table.add_column("model\n", overflow="fold", min_width=room)
    for row in groups:
        table.add_column(Text(f"{plain(row.label)}\n{row.users:,} users"), justify="right")
    for mark, name, rows in lines:
        style = "bold green" if mark else ""
        table.add_row(mark, Text(name), *map(_cell, rows), style=style)
    return table


def _groups_down(table: Table, lines: Sequence[tuple[str, str, tuple[BucketRow, ...]]]) -> None:
    """Fill a table of many groups: these down, models across."""
    from rich.text import Text

    table.add_column("group", overflow="fold")
    table.add_column("users", justify="right")
    for mark, name, _ in lines:
        head = Text(f"{mark} {name}".strip())
        style = "bold green" if mark else ""
        table.add_column(head, overflow="fold", justify="right", style=style)
    for place, row in enumerate(lines[0][2]):
        cells = [_cell(rows[place]) for _, _, rows in lines]
        table.add_row(Text(plain(row.label)), f"{row.users:,}", *cells)


def _cell(row: BucketRow) -> str:
    return plus_minus(row.mean, row.low, row.high)
