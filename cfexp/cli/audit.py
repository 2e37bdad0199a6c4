"""`cfexp audit`: whether anything of a study was lost, doubled or left half there."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from cfexp.cli.options import Home, Storage, Study, TrackingUri
from cfexp.search.place import DEFAULT_HOME, Place, command

if TYPE_CHECKING:
    from rich.console import Console

    from cfexp.studies import Audit

_NAMES = {"trial": "trials", "baseline": "baselines", "final": "finals", "study": "the study"}
_MENDS = {
    "run": "`cfexp run` on the study's file computes or writes again what is missing",
    "sync": "`{}` completes MLflow",
}
_SHOWN = 20  # problems


def audit(
    study: Study,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    track: Annotated[bool, typer.Option(help="Look into MLflow.")] = True,
) -> None:
    """Check that nothing of a study is lost, doubled or half there; exit code 1 if anything is.

    Optuna's storage, the study's files and MLflow are compared row by row. Nothing is changed.
    """
    from cfexp.studies import audit as audit_study

    place = Place(home, storage)
    found = audit_study(place, study, tracking_uri=tracking_uri, track=track)
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _print(found, sync=command("sync", study, where=place, tracking_uri=tracking_uri))
    if found.problems:
        raise typer.Exit(1)


def _as_json(found: Audit) -> dict[str, object]:
    from cfexp.search.audit import tally

    return {
        "study": found.study,
        "agrees": not found.problems,
        "sound": {
            kind: {place: {"sound": sound, "all": total} for place, (sound, total) in row.items()}
            for kind, row in tally(found.checks).items()
        },
        "problems": [dataclasses.asdict(check) for check in found.problems],
        "remarks": list(found.remarks),
    }


def _print(found: Audit, *, sync: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cfexp.search.audit import PLACES, tally

    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"{found.study}: audit")
    table.title_justify = "left"
    table.add_column("")
    for place in PLACES:
        table.add_column(place, justify="right")
    for kind, row in tally(found.checks).items():
        cells = [f"{sound}/{total}" if total else "" for sound, total in row.values()]
        table.add_row(_NAMES[kind], *cells)
    console.print(table)
    for check in found.problems[:_SHOWN]:
        _say(console, f"! {check.place}: {check.name} {check.problem}")
    if len(found.problems) > _SHOWN:
        _say(console, f"! and {len(found.problems) - _SHOWN} more; --json lists all")
    for remark in found.remarks:
        _say(console, f"• {remark}")
    mends = {check.heal for check in found.problems}
    for heal in ("run", "sync"):
        if heal in mends:
            _say(console, f"{_MENDS[heal].format(sync)}.")
    if not found.problems:
        _say(console, "Nothing is lost, doubled or half there.")


def _say(console: Console, words: str) -> None:
    console.print(words, soft_wrap=True, markup=False, highlight=False)
