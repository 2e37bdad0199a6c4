"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cfexp.search.place import DEFAULT_HOME


def known_studies(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the studies of the home that a command line names so far, to complete it."""
    folder = Path(ctx.params.get("home") or DEFAULT_HOME, "studies")
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if name.startswith(incomplete) and name[0] != ".")


Study = Annotated[
    str, typer.Argument(help="The study.", show_default=False, autocompletion=known_studies)
]
Home = Annotated[
    Path, typer.Option("--home", help="Folder of everything that studies write.", file_okay=False)
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        envvar="CFEXP_STORAGE",
        metavar="URL",
        help="PostgreSQL database that machines share studies in, in place of the home's file.",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        help="MLflow's store or server, in place of MLFLOW_TRACKING_URI and the home.",
        show_default=False,
    ),
]
Workers = Annotated[
    int, typer.Option(min=1, help="Computing processes; only with 1 do studies repeat exactly.")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of each worker.", show_default="all processors, shared"),
]

_DURATION = re.compile(
    r"(?:(?P<hours>[\d.]+)h)?(?:(?P<minutes>[\d.]+)m)?(?:(?P<seconds>[\d.]+)s?)?"
)


def duration(words: str) -> float:
    """Return the seconds that `words` stand for.

    >>> duration("90"), duration("90s"), duration("10m"), duration("1h30m"), duration("1.5h")
    (90.0, 90.0, 600.0, 5400.0, 5400.0)
    """
    found = _DURATION.fullmatch(words.strip())
    try:
        hours, minutes, seconds = (
            (float(part or 0) for part in found.groups()) if found else [0] * 3
        )
    except ValueError:  # such as 1.2.3
        hours = minutes = seconds = 0
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise typer.BadParameter(f"{words!r} is no time above 0: write 90, 90s, 10m, 2h or 1h30m")
    return total
