"""Tables of commands, with as few lines as they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 200


def table_console() -> Console:
    """Return a console for tables: a pipe or a file has no width that a row must fit into."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    return console


def plain_table(*columns: str) -> Table:
    """Return a table to fill; a column whose name begins with > is of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        right = name.startswith(">")
        table.add_column(
            name.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=right or name == columns[0],
            overflow="fold",
        )
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of words, in which nothing is markup."""
    from rich.text import Text

    table.add_row(*map(Text, cells))
