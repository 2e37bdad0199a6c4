"""A comparison of studies as a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.analysis.words import markdown as escaped
from cfexp.analysis.words import plain, with_minus
from cfexp.report.buckets import group_table
from cfexp.report.numbers import MISSING, gain, how_sure, p_value, plus_minus, signed, value

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from cfexp.analysis.buckets import BucketRow
    from cfexp.report.compare import Compared, Line

Grid = list[list[str]]


def grids(compared: Compared) -> list[tuple[str, Grid]]:
    """Return titled tables of words, heads first: the comparison, then groups of users."""
    head = [
        "run",
        str(compared.metric),
        "95% interval",
        "difference",
        "95% interval",
        "p",
        "effect",
        "outcome",
    ]
    title = f"{compared.metric} on test, against {plain(compared.reference)}"
    found = [(title, [head, *(_cells(compared, line) for line in compared.lines)])]
    for place, (buckets, rows) in enumerate(compared.lines[0].groups):
        heads = ["run", *(f"{plain(row.label)} ({row.users:,} users)" for row in rows)]
        body = [[plain(line.name), *map(_group, line.groups[place][1])] for line in compared.lines]
        found.append((f"{plain(buckets.title)}, on test", [heads, *body]))
    return found


def notes(compared: Compared) -> list[str]:
    """Return what a reader of the tables must know."""
    return [how_sure(len(compared.lines) - 1), *map(plain, compared.notes)]


def tables(compared: Compared, width: int = 100) -> list[Table]:
    """Return the tables for a terminal, whose `width` is in characters."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title, grid = grids(compared)[0]
    head, *body = map(_folded, grid)
    table = Table(
        title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column(head[0], justify="left", overflow="fold")
    for name in head[1:]:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for cells in body:
        table.add_row(*map(Text, cells))
    partitions = range(len(compared.lines[0].groups))
    return [table, *(_groups(compared, place, width) for place in partitions)]


def _groups(compared: Compared, place: int, width: int) -> Table:
    buckets, _ = compared.lines[0].groups[place]
    lines = [("", plain(line.name), line.groups[place][1]) for line in compared.lines]
    return group_table(buckets, lines, width)


def _folded(cells: list[str]) -> list[str]:
    """Put intervals below what they belong to: a terminal is narrow."""
    run, mean, interval, difference, around, p, effect, outcome = cells
    words = outcome.replace("no clear ", "no clear\n")
    run = run.replace(":", ":\n", 1)
    if around == MISSING:
        return [run, f"{mean}\n{interval}", *[MISSING] * 3]
    return [run, f"{mean}\n{interval}", f"{difference}\n{around}", f"{p}\n{effect}", words]


def markdown(compared: Compared) -> str:
    """Return the tables and notes as Markdown."""
    parts = []
    for title, (head, *body) in grids(compared):
        rule = ["---", *["---:"] * (len(head) - 1)]
        names, rows = [*map(escaped, head)], [[escaped(cells[0]), *cells[1:]] for cells in body]
        lines = [f"| {' | '.join(cells)} |" for cells in (names, rule, *rows)]
        parts += [f"**{escaped(title)}**", "", *lines, ""]
    return "\n".join([*parts, *(f"- {note}" for note in notes(compared)), ""])


def as_json(compared: Compared) -> dict[str, Any]:
    """Return the comparison as plain values for JSON."""
    return {
        "metric": str(compared.metric),
        "direction": compared.metric.direction,
        "against": compared.reference,
        "runs": [
            _numbers(compared, line)
            | {
                "buckets": [
                    {"metric": buckets.metric, "by": buckets.by, "groups": [*map(vars, rows)]}
                    for buckets, rows in line.groups
                ]
            }
            for line in compared.lines
        ],
        "notes": notes(compared),
    }


def frame(compared: Compared) -> pd.DataFrame:
    """Return one row per run; the means of groups of users are its last columns."""
    import pandas as pd

    return pd.DataFrame(
        [
            _numbers(compared, line)
            | {
                f"{buckets.title}: {row.label}": row.mean
                for buckets, rows in line.groups
                for row in rows
            }
            for line in compared.lines
        ]
    )


def _numbers(compared: Compared, line: Line) -> dict[str, Any]:
    pair = line.difference
    return {
        "run": line.name,
        "mean": line.interval.estimate,
        "low": line.interval.low,
        "high": line.interval.high,
        "difference": pair and pair.mean,
        "difference_low": pair and pair.low,
        "difference_high": pair and pair.high,
        "relative": pair and pair.relative,
        "effect": pair and pair.effect,
        "p": pair and pair.p,
        "p_bootstrap": pair and pair.p_bootstrap,
        "p_corrected": pair and pair.p_corrected,
        "users": pair and pair.users,
        "outcome": pair and pair.words(compared.metric.direction),
    }


def _cells(compared: Compared, line: Line) -> list[str]:
    one, pair = line.interval, line.difference
    cells = [plain(line.name), value(one.estimate), f"{value(one.low)} to {value(one.high)}"]
    if pair is None:
        return [*cells, *[MISSING] * 5]
    return [
        *cells,
        gain(pair.mean, pair.relative),
        f"{signed(pair.low)} to {signed(pair.high)}",
        p_value(pair.p_corrected).removeprefix("p ").removeprefix("= "),
        MISSING if pair.effect is None else with_minus(f"{pair.effect:+.2f}"),
        pair.words(compared.metric.direction),
    ]


def _group(row: BucketRow) -> str:
    return plus_minus(row.mean, row.low, row.high)
