"""`cfexp list`: all studies of a home, the newest first, with what each has found."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cfexp.cli.options import Home, Storage
from cfexp.search.place import DEFAULT_HOME, Place

if TYPE_CHECKING:
    from cfexp.search.place import Where
    from cfexp.search.store.record import StudyRecord

COLUMNS = (
    "study",
    "state",
    "trials",
    "budget",
    "objective",
    "best_on_validation",
    "best_trial",
    "winner",
    "winner_on_test",
    "data",
    "created",
)

_SHORT = 10  # characters that a data set is known by, and a gap
_CAPTION = "val: the best trial on validation. test: the winner on test."


def list_studies(
    *,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How it is written.")
    ] = "table",
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """List the studies of a home, the newest first."""
    place = Place(home, storage)
    rows = studies(place)
    if form == "json":
        typer.echo(json.dumps(rows, indent=2))
    elif form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        typer.echo(text.getvalue(), nl=False)
    elif rows:
        show(rows)
    else:
        typer.echo(f"no studies in {place} yet; `cfexp run STUDY.toml` makes one")


def studies(where: Where) -> list[dict[str, Any]]:
    """Return one row per study, keyed by `COLUMNS`, the newest first."""
    from cfexp.search.store.storage import is_storage, open_storage, study_names
    from cfexp.studies import open_study

    names = study_names(open_storage(where)) if is_storage(where) else []
    return [_row(open_study(where, name).record(), where) for name in names]


def _row(study: StudyRecord, where: Where) -> dict[str, Any]:
    from cfexp.report.leaderboard import leaderboard, winner
    from cfexp.search.store.standing import best_trial, state

    best, chosen = best_trial(study), winner(leaderboard(study))
    objective = study.objectives[0]
    values = (
        study.name,
        state(study, where),
        len(study.of_role("trial")),
        study.budget,
        objective,
        best and best.metrics[f"val/{objective}"],
        best and best.label,
        chosen and chosen.label,
        chosen and chosen.metrics.get(f"test/{objective}"),
        study.data_name,
        datetime.fromtimestamp(study.created / 1000, UTC).isoformat(timespec="seconds"),
    )
    return dict(zip(COLUMNS, values, strict=True))


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table of the rows of `studies`."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from cfexp.cli.plain_table import table_console

    console = table_console()
    columns = _that_fit(_columns(rows), console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.caption, table.caption_justify = _CAPTION, "left"
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in {"trials", "val", "test"} else "left",
            overflow="ellipsis" if name == "data" else "fold",
            no_wrap=name != "data",  # the one that may be cut
        )
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, cells))
    console.print(table)


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    from cfexp.report.numbers import value

    return {
        "study": [row["study"] for row in rows],
        "state": [row["state"] for row in rows],
        "trials": [f"{row['trials']:,}/{row['budget']:,}" for row in rows],
        "objective": [row["objective"] for row in rows],
        "val": [value(row["best_on_validation"]) for row in rows],
        "test": [value(row["winner_on_test"]) for row in rows],
        "data": [row["data"] for row in rows],
        "created": [
            f"{datetime.fromisoformat(row['created']).astimezone():%Y-%m-%d}" for row in rows
        ],
    }


def _that_fit(columns: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    """Return the columns without those that would break the names of studies."""
    widths = {name: max(map(len, [name, *cells])) + 2 for name, cells in columns.items()}
    widths["data"] = min(widths["data"], _SHORT)
    shown = dict(columns)
    for name in ("created", "data"):
        if sum(widths[one] for one in shown) > width:
            del shown[name]
    return shown
