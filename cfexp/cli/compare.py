"""`cfexp compare`: studies, or runs of studies, that were measured on one split."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from cfexp.cli.options import Home, Storage, known_studies
from cfexp.search.place import DEFAULT_HOME, Place


def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY[:RUN]...",
            help="Studies (their winners), or runs by their name on the leaderboard, "
            "such as 'ml1m:als #18' or ml1m:popularity.",
            show_default=False,
            autocompletion=known_studies,
        ),
    ],
    *,
    against: Annotated[
        str | None,
        typer.Option(
            help="Which one the others are compared with.", show_default="the best on test"
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="By which metric.", show_default="the first study's first objective"),
    ] = None,
    form: Annotated[
        Literal["table", "csv", "json", "markdown"],
        typer.Option("--format", help="How it is written."),
    ] = "table",
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """Compare studies, or runs of them, on the test set of one split."""
    from cfexp.report import compared as show
    from cfexp.report.compare import compare as compare_all
    from cfexp.report.compare import contender
    from cfexp.report.one_split import refuse_others
    from cfexp.studies import open_study

    asked = [name.partition(":")[::2] for name in names]
    place = Place(home, storage)
    studies = {study: open_study(place, study).record() for study, _ in asked}
    refuse_others(list(studies.values()))
    found = compare_all(
        [contender(studies[study], run or None) for study, run in asked], metric, against
    )
    if form == "json":
        typer.echo(json.dumps(show.as_json(found), indent=2, ensure_ascii=False))
    elif form == "csv":
        typer.echo(show.frame(found).to_csv(index=False), nl=False)
    elif form == "markdown":
        typer.echo(show.markdown(found), nl=False)
    else:
        from cfexp.cli.plain_table import table_console

        console = table_console()
        for table in show.tables(found, console.width):
            console.print(table)
        for note in show.notes(found):
            console.print(f"• {note}", markup=False, highlight=False)
