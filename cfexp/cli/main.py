"""The `cfexp` command. Flags are logistics; the science is in the study file.

Heavy libraries are imported by the commands that need them, so that `--help` is quick.
"""

from __future__ import annotations

import io
import sys
import webbrowser
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from cfexp.cli import ask, reproduce
from cfexp.cli.audit import audit
from cfexp.cli.bench.commands import app as bench
from cfexp.cli.compare import compare
from cfexp.cli.data import app as data
from cfexp.cli.delete import delete
from cfexp.cli.export import export
from cfexp.cli.failures import failures_told
from cfexp.cli.group import Group
from cfexp.cli.listing import list_studies
from cfexp.cli.options import (
    Home,
    Storage,
    Study,
    Threads,
    TrackingUri,
    Workers,
    duration,
    known_studies,
)
from cfexp.cli.register import register as register_winner
from cfexp.cli.rerun import rerun
from cfexp.errors import CfexpError
from cfexp.search.place import DEFAULT_HOME, Place

app = typer.Typer(
    name="cfexp",
    cls=Group,
    help="Hyperparameter studies and experiment tracking for collaborative filtering "
    "on implicit feedback.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)

_STUDIES, _MLFLOW = "Studies", "MLflow"


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer passes the flag's value
    if wanted:
        typer.echo(f"cfexp {version('cfexp')}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=_STUDIES)
def run(
    file: Annotated[Path, typer.Argument(help="The study file (TOML).", show_default=False)],
    *,
    trials: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Go on to this many trials in all; fewer than there are changes nothing.",
            show_default="the file's",
        ),
    ] = None,
    workers: Workers = 1,
    threads: Threads = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            help="Search no longer than this from now (90, 10m, 1h30m), then name the best so far.",
            show_default=False,
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    track: Annotated[bool, typer.Option(help="Write to MLflow.")] = True,
    register: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Register the winner in MLflow under this name, as `cfexp register` does.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the leaderboard as JSON; progress on stderr.")
    ] = False,
) -> None:
    """Run a study, or go on with one that was stopped."""
    from cfexp.cli.run import run_file

    run_file(
        file,
        home=home,
        storage=storage,
        trials=trials,
        workers=workers,
        threads=threads,
        timeout=timeout,
        tracking_uri=tracking_uri,
        track=track,
        register=register,
        as_json=as_json,
    )


@app.command(rich_help_panel=_STUDIES)
def worker(
    study: Annotated[
        str,
        typer.Argument(
            help="A study that was begun.", show_default=False, autocompletion=known_studies
        ),
    ],
    *,
    workers: Workers = 1,
    threads: Threads = None,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """Run trials of a study that another process coordinates, from any machine."""
    from cfexp.cli.worker import join

    join(study, home=home, storage=storage, workers=workers, threads=threads)


@app.command(rich_help_panel=_MLFLOW)
def ui(
    study: Annotated[
        str | None,
        typer.Argument(
            help="The study to open.",
            show_default="the one written last",
            autocompletion=known_studies,
        ),
    ] = None,
    *,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port.", show_default="5000 or a free one")
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Where to listen; another address is open to all who can reach it."),
    ] = "127.0.0.1",
    home: Home = DEFAULT_HOME,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open MLflow's own UI on what studies wrote, on this machine unless told otherwise."""
    from cfexp.tracking.ui import serve_ui

    serve_ui(home, tracking_uri, port, study, say=typer.echo, host=host)


@app.command(rich_help_panel=_STUDIES)
def status(
    study: Annotated[
        str | None,
        typer.Argument(help="One study.", show_default="all studies", autocompletion=known_studies),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """Show how far the studies of a home are, and what is best so far.

    A study is running, finished, interrupted (`cfexp run` goes on with it), or `workers only`:
    workers run its trials, and `cfexp run` is needed for the rest.
    """
    from cfexp.cli.status import show_status

    show_status(Place(home, storage), study, as_json=as_json)


app.command("list", rich_help_panel=_STUDIES)(list_studies)


@app.command(rich_help_panel=_STUDIES)
def report(
    study: Study,
    *,
    file: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Where to.", show_default="beside the other reports"),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
) -> None:
    """Write a study's report: one HTML page that stands alone."""
    from cfexp.studies import write_page

    written = write_page(Place(home, storage), study, file)
    typer.echo(written)
    if opened and not webbrowser.open(written.absolute().as_uri()):
        raise CfexpError(f"no browser could be started; open {written} by hand")


@app.command(rich_help_panel=_MLFLOW)
def sync(
    study: Study,
    *,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write to MLflow what it does not know yet of a study."""
    from cfexp.studies import sync as sync_study

    record = sync_study(Place(home, storage), study, tracking_uri=tracking_uri)
    typer.echo(f"MLflow knows all {len(record.runs)} runs of study {record.name!r}")


for command in (compare, export, audit, rerun, delete):
    app.command(rich_help_panel=_STUDIES)(command)
app.command("register", rich_help_panel=_MLFLOW)(register_winner)
for question in (ask.recommend, ask.similar, ask.explain):
    app.command(rich_help_panel="A study's model")(question)
for name, group in (("data", data), ("reproduce", reproduce.app), ("bench", bench)):
    app.add_typer(group, name=name, cls=Group, rich_help_panel="Data and figures")


def main() -> None:
    """Run the command line: exit code 0 done, 1 failed, 2 wrong usage or bad input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal need not know every character
    with failures_told():
        app()


if __name__ == "__main__":
    main()
