"""`cfexp rerun`: a study run again from what MLflow remembers of it, and compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfexp.cli.options import Home, Storage, TrackingUri, known_studies
from cfexp.search.place import DEFAULT_HOME, Place, command

if TYPE_CHECKING:
    from rich.console import Console

    from cfexp.search.store.record import StudyRecord
    from cfexp.tracking.recorded import Comparison, Recorded

_SHOWN = 10  # runs that differ


def rerun(
    study: Annotated[
        str,
        typer.Argument(
            help="The study, as MLflow knows it.", show_default=False, autocompletion=known_studies
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option("--as", help="The new study's name.", show_default="STUDY-rerun")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads.", show_default="all processors")
    ] = None,
    track: Annotated[bool, typer.Option(help="Write the new study to MLflow.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as JSON; progress on stderr.")
    ] = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Run a study again from its MLflow record alone, and say whether it gives the same.

    Relative data paths start from the current folder, then from CFEXP_DATA_DIR. Exit code 1
    when a trial or a test number differs.
    """
    from rich.console import Console

    from cfexp.errors import InputError
    from cfexp.tracking.recorded import recorded

    new = f"{study}-rerun" if name is None else name
    if new == study:
        raise InputError(f"the new study needs a name of its own, not {study!r}")
    record = recorded(study, home, tracking_uri)
    console = Console(stderr=as_json)
    flags = {"threads": threads, "track": track, "home": home, "storage": storage}
    found = _run(record, new, console, **flags, tracking_uri=tracking_uri)
    comparison = record.compare(found)
    if as_json:
        plain = dataclasses.asdict(comparison) | {"identical": comparison.identical}
        typer.echo(json.dumps({"study": study, "rerun": new, **plain}, indent=2))
    else:
        for line in words(study, comparison):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not comparison.identical:
        raise typer.Exit(1)


def _run(record: Recorded, name: str, console: Console, **flags: Any) -> StudyRecord:  # noqa: ANN401
    from cfexp.cli.failures import resumed_by
    from cfexp.cli.progress import Progress
    from cfexp.cli.run import repeated
    from cfexp.launch import run_study
    from cfexp.provenance import provenance

    spec = record.renamed(name, Path.cwd())

    class Checks(Progress):
        def started(self, study: StudyRecord) -> None:
            super().started(study)
            same = study.fingerprint == record.fingerprint
            self.note(
                "data and split are those recorded"
                if same
                else "the data or their split are NOT those recorded: fingerprint "
                f"{study.fingerprint}, recorded {record.fingerprint}"
            )

    options = ["--as", name, *repeated(flags), *["--json"] * console.stderr]
    place, uri = Place(flags["home"], flags["storage"]), flags["tracking_uri"]
    again = command("rerun", record.name, *options, where=place, tracking_uri=uri)
    with resumed_by(again, console), Checks(console) as progress:
        for line in record.changes(provenance()) or ["versions and machine are those recorded"]:
            progress.note(line)
        return run_study(spec, trials=record.trials, observer=progress, **flags)


def words(study: str, comparison: Comparison) -> list[str]:
    """Return the outcome in lines for people."""
    what = f"{comparison.trials} trials and the test numbers of {comparison.read} runs"
    lines = []
    if absent := comparison.absent:
        lines.append(
            f"{len(absent)} runs of the record are of earlier readings, or of baselines that its "
            f"file has no more; they were not repeated: {', '.join(absent[:_SHOWN])}"
        )
    if comparison.identical:
        return [*lines, f"Identical to the record of {study!r}, bit for bit: {what}."]
    lines.append(f"NOT identical to the record of {study!r}: {what} were compared.")
    for key, differences in list(comparison.differences.items())[:_SHOWN]:
        lines += [f"  {key}: {line}" for line in differences]
    if len(comparison.differences) > _SHOWN:
        lines.append(f"  and {len(comparison.differences) - _SHOWN} runs more")
    return lines
