"""`cfexp export`: a study's tables as Parquet or CSV files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from cfexp.cli.options import Home, Storage, Study
from cfexp.search.place import DEFAULT_HOME, Place


def export(
    study: Study,
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where to write; files of the same names are replaced.",
            show_default="STUDY-export",
            file_okay=False,
        ),
    ] = None,
    form: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="Of the files.")] = (
        "parquet"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Say in JSON what was written.")] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """Write a study's leaderboard, comparisons, groups, trials and per-user metrics to files."""
    from cfexp.errors import InputError
    from cfexp.report.export import frames, write_frame
    from cfexp.studies import open_study

    record = open_study(Place(home, storage), study).record()
    target = folder or Path(f"{study}-export")
    tables = frames(record)
    written, empty = [], []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            path = target / f"{name}.{form}"
            if len(frame):
                write_frame(frame, path, form)
                written.append({"table": name, "rows": len(frame), "file": str(path)})
            else:
                path.unlink(missing_ok=True)  # of an earlier export
                empty.append(name)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error}") from error
    if as_json:
        typer.echo(json.dumps(written, indent=2))
        return
    for one in written:
        typer.echo(f"{one['file']}: {one['rows']:,} rows")
    if empty:
        typer.echo(f"no rows of: {', '.join(empty)}")
