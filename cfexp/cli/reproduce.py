"""`cfexp reproduce`: published figures, and ours beside them."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.bench.published import Row

app = typer.Typer(
    help="Published figures beside what this machine computes for them.", no_args_is_help=True
)

HEAD = (
    "system",
    "what",
    "protocol",
    "published",
    "ours",
    "difference",
    "tolerance",
    "within",
    "why",
)
_ROUNDING = 1e-15
_LARGE = 100  # from here on one digit after the point is enough


@app.callback()
def _datasets() -> None:
    pass


@app.command()
def ml1m(
    *,
    style: Annotated[
        Literal["table", "csv", "json", "markdown"],
        typer.Option("--format", help="How it is written."),
    ] = "table",
) -> None:
    """MovieLens-1M: popularity, item-kNN, EASE and ALS on a per-user temporal split.

    Exit code 1 when a figure is missed by more than its tolerance, 2 without the data.
    """
    from cfexp.bench.published import reproduce

    rows = reproduce(lambda text: typer.echo(text, err=True))
    if style == "table":
        _print(rows)
    else:
        write = {"csv": as_csv, "json": as_json, "markdown": as_markdown}[style]
        typer.echo(write(rows), nl=False)
    outside = [" ".join(row.figure.key) for row in rows if not row.within]
    if outside:
        typer.echo(f"outside the tolerance: {'; '.join(outside)}", err=True)
        raise typer.Exit(1)


def as_csv(rows: Sequence[Row]) -> str:
    """Return the table as comma-separated text, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows([_plain(row)[name] for name in HEAD] for row in rows)
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """Return the table as a JSON list; a number that could not be measured is null."""
    return json.dumps([_plain(row) for row in rows], indent=2) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown, numbers rounded."""
    lines = [HEAD, ["---"] * len(HEAD), *map(_words, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(row: Row) -> dict[str, Any]:
    figure = row.figure
    measured = not math.isnan(row.ours)
    number = int if measured and figure.tolerance == 0 else float  # a count is a whole number
    return {
        "system": figure.system,
        "what": figure.what,
        "protocol": figure.protocol,
        "published": figure.published,
        "ours": number(row.ours) if measured else None,
        "difference": number(row.difference) if measured else None,
        "tolerance": figure.tolerance,
        "within": row.within,
        "why": figure.why,
    }


def _difference(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:+.2g}" if abs(value) > _ROUNDING else "0"


def _words(row: Row) -> list[str]:
    figure = row.figure
    return [
        figure.system,
        figure.what,
        figure.protocol,
        _number(figure.published, figure.tolerance),
        _number(row.ours, figure.tolerance),
        _difference(row.difference),
        f"{figure.tolerance:g}",
        "yes" if row.within else "no",
        figure.why,
    ]


def _number(value: float, tolerance: float) -> str:
    """Return a number with as many digits as the tolerance can tell apart, four at least."""
    if tolerance == 0:
        return f"{value:.0f}"
    if value >= _LARGE:
        return f"{value:,.1f}"
    return f"{value:.{max(4, -math.floor(math.log10(tolerance)))}f}"


def _print(rows: Sequence[Row]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from cfexp.cli.plain_table import table_console

    console = table_console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    numbers = HEAD[3:7]
    for name in HEAD:
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        table.add_column(name, justify=justify, no_wrap=name in numbers)
    above = ""
    for row in rows:
        words = _words(row)
        words[2], above = "″" if words[2] == above else words[2], words[2]  # said once
        table.add_row(*map(Text, words), style="" if row.within else "bold red")
    console.print(table)
    met = sum(row.within for row in rows)
    console.print(f"{met} of {len(rows)} published figures are met within their tolerance.")
