"""`cfexp list`: all studies of a home, the newest first, with what each has found."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cfexp.cli.options import Home, Storage
from cfexp.search.place import Place
from cfexp.studies import DEFAULT_HOME

if TYPE_CHECKING:
    from cfexp.search.place import Where
    from cfexp.search.record import StudyRecord

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

_CAPTION = "val: the best trial on validation. test: the winner on test."


def list_studies(
    *,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="Output.")
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
        _print(rows)
    else:
        typer.echo(f"no studies in {place} yet; `cfexp run STUDY.toml` makes one")


def studies(where: Where) -> list[dict[str, Any]]:
    """Return one row per study, keyed by `COLUMNS`, the newest first."""
    from cfexp.search.storage import is_storage, open_storage, study_names
    from cfexp.search.study_lock import is_running
    from cfexp.studies import open_study

    names = study_names(open_storage(where)) if is_storage(where) else []
    return [
        _row(open_study(where, name).record(), running=is_running(where, name)) for name in names
    ]


def _row(study: StudyRecord, *, running: bool) -> dict[str, Any]:
    from cfexp.report.leaderboard import leaderboard, winner
    from cfexp.search.standing import best_trial, state

    best, chosen = best_trial(study), winner(leaderboard(study))
    objective = study.objectives[0]
    values = (
        study.name,
        state(study, running=running),
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


def _print(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cfexp.report.numbers import value

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.caption, table.caption_justify = _CAPTION, "left"
    for name in ("study", "state", "trials", "objective", "val", "test", "data", "created"):
        words = name in {"study", "objective", "data"}
        right = name in {"trials", "val", "test"}
        table.add_column(
            name, justify="right" if right else "left", overflow="fold", no_wrap=not words
        )
    for row in rows:
        cells = [
            row["study"],
            row["state"],
            f"{row['trials']:,}/{row['budget']:,}",
            row["objective"],
            value(row["best_on_validation"]),
            value(row["winner_on_test"]),
            row["data"],
            f"{datetime.fromisoformat(row['created']).astimezone():%Y-%m-%d}",
        ]
        table.add_row(*map(Text, cells))
    Console().print(table)
