"""`cfexp delete`: a study and everything that it wrote."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cfexp.cli.options import Home, Storage, Study, TrackingUri
from cfexp.search.place import DEFAULT_HOME, Place


def delete(
    study: Study,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    track: Annotated[bool, typer.Option(help="Delete it in MLflow too.")] = True,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Delete a study: its trials, its files, its runs and models in MLflow. Asks first."""
    from cfexp.deletion import Deletion
    from cfexp.errors import InputError

    if not (yes or sys.stdin.isatty()):
        raise InputError("there is nobody to ask: `cfexp delete STUDY --yes` deletes unasked")
    with Deletion(Place(home, storage), study, tracking_uri=tracking_uri, track=track) as deletion:
        if not yes:
            typer.echo(f"To be deleted of study {study!r}, for good:")
            for part in deletion.parts():
                typer.echo(f"  {part}")
            if not typer.confirm("Delete?"):
                typer.echo("nothing was deleted")
                raise typer.Exit(1)
        deletion.delete()
    typer.echo(f"study {study!r} is deleted")
