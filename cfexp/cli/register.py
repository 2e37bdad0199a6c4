"""`cfexp register`: a study's winner in MLflow's model registry, and who is champion."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from cfexp.cli.options import Home, Storage, TrackingUri, known_studies
from cfexp.search.place import DEFAULT_HOME, Place

if TYPE_CHECKING:
    from cfexp.studies import Registration


def register(
    study: Annotated[
        str,
        typer.Argument(
            help="A study with a winner.", show_default=False, autocompletion=known_studies
        ),
    ],
    name: Annotated[str, typer.Argument(help="The registered model's name.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Register a study's winner in MLflow; it becomes champion if it is better."""
    from cfexp.studies import register as register_winner

    found = register_winner(Place(home, storage), study, name, tracking_uri=tracking_uri)
    typer.echo(json.dumps(dataclasses.asdict(found), indent=2) if as_json else words(found))


def words(found: Registration) -> str:
    """Return what was registered and decided, for people."""
    had = "" if found.new else " already"
    return f"{found.name} version {found.version} is registered{had}. {found.words}"
