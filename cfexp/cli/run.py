"""`cfexp run`: a study file in, progress meanwhile, an honest table out."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cfexp.addresses import redacted
from cfexp.cli.failures import resumed_by
from cfexp.cli.fetching import fetch_missing
from cfexp.cli.progress import Progress
from cfexp.errors import CfexpError, InputError, TrackingError
from cfexp.launch import run_study
from cfexp.search.place import Place
from cfexp.search.study_file import load_study
from cfexp.studies import DEFAULT_HOME

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def run_file(
    file: Path,
    *,
    register: str | None = None,
    as_json: bool = False,
    **flags: Any,  # noqa: ANN401 - those of `run_study`
) -> None:
    """Run the study in `file` and print its leaderboard; see `cfexp.launch.run_study`.

    `register` names the registered model that the winner becomes a version of. With
    `as_json`, standard output has the leaderboard as JSON and nothing else.
    """
    spec = load_study(file)
    if register is not None:
        _check_register(register, track=flags["track"])
    console = Console(stderr=as_json)
    fetch_missing(spec, console)
    wanted = repeated(flags | {"register": register})
    again = command("run", file, *wanted, *["--json"] * as_json, flags=flags)
    with resumed_by(again, console), Progress(console) as progress:
        study = run_study(spec, observer=progress, **flags)
    if as_json:
        print((study.report_folder / "leaderboard.json").read_text(), end="")  # noqa: T201
    else:
        show(study, console)
    from cfexp.report.write import REPORT

    page = escape(str(study.report_folder / REPORT))
    console.print(f"\nThe report, to be opened in a browser:\n  {page}", soft_wrap=True)
    if flags["track"]:
        view = escape(command("ui", study.name, flags=flags | {"storage": None}))
        console.print(f"\nTo compare the runs in MLflow:\n  {view}", soft_wrap=True)
    trials = study.of_role("trial")
    if study.timeout is not None and len(trials) < study.budget:
        words = f"\nTo go on with the trials that wait:\n  {again}"
        console.print(words, markup=False, soft_wrap=True)
    if trials and all(run.state == "failed" for run in trials):
        raise CfexpError(f"every trial failed, the last one by: {trials[-1].reason}")
    if trials and not study.readings:
        raise CfexpError("no finalist could be fitted on every seed: there is no winner")
    if register is not None:
        words = _registered(study.name, register, flags)
        console.print(words, soft_wrap=True, markup=False, highlight=False)


def _check_register(name: str, *, track: bool) -> None:
    from cfexp.tracking.registry import check_name

    check_name(name)
    if not track:
        raise InputError("--register writes to MLflow, which --no-track forbids; leave one out")


def _registered(study: str, name: str, flags: dict[str, Any]) -> str:
    from cfexp.cli.register import words
    from cfexp.studies import register

    try:
        place = Place(flags["home"], flags["storage"])
        return words(register(place, study, name, tracking_uri=flags["tracking_uri"]))
    except TrackingError as error:
        again = command("register", study, name, flags=flags)
        raise TrackingError(f"{error}\n`{again}` tries again") from error


def command(name: str, *arguments: object, flags: dict[str, Any]) -> str:
    """Return a command to be typed, on the same home and store; without the store's login."""
    places = [] if flags["home"] == DEFAULT_HOME else ["--home", str(flags["home"])]
    if flags.get("tracking_uri") is not None:
        places += ["--tracking-uri", redacted(flags["tracking_uri"])]
    if flags["storage"] not in {None, os.environ.get("CFEXP_STORAGE")}:
        places += ["--storage", redacted(flags["storage"])]
    return shlex.join(["cfexp", name, *map(str, arguments), *places])


def repeated(flags: dict[str, Any]) -> list[str]:
    """Return the flags that a resumed run needs as well."""
    given = [] if flags.get("track", True) else ["--no-track"]
    usual = {"trials": None, "workers": 1, "threads": None, "register": None}
    for name, value in usual.items():
        if flags.get(name, value) != value:
            given += [f"--{name.replace('_', '-')}", str(flags[name])]
    return given


def show(study: StudyRecord, console: Console) -> None:
    """Print the leaderboard, the groups of users, the verdict and its warnings."""
    from cfexp.report.buckets import bucket_tables
    from cfexp.report.findings import findings
    from cfexp.report.tables import leaderboard_table
    from cfexp.report.verdict import verdict

    console.print()
    console.print(leaderboard_table(study, console.width))
    for table in bucket_tables(study, console.width):
        console.print(table)
    for sentence in verdict(study):
        console.print(f"• {escape(sentence)}")
    for sentence in findings(study).warnings:
        console.print(f"[yellow]![/yellow] {escape(sentence)}")
