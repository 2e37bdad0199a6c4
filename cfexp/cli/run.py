"""`cfexp run`: a study file in, progress meanwhile, an honest table out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cfexp.cli.failures import resumed_by
from cfexp.cli.fetching import fetch_missing
from cfexp.cli.progress import Progress
from cfexp.errors import CfexpError, InputError, TrackingError
from cfexp.launch import run_study
from cfexp.search.place import Place, command
from cfexp.search.spec.study_file import load_study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.search.store.record import StudyRecord


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
    again = _again(file, flags | {"register": register}, as_json=as_json)
    with resumed_by(again, console):
        with Progress(console) as progress:
            study = run_study(spec, observer=progress, **flags)
        if as_json:
            board = study.report_folder / "leaderboard.json"
            print(board.read_text(), end="")  # noqa: T201
        else:
            show(study, console)
        for words in _where_next(study, again, flags):
            console.print(f"\n{escape(words)}", soft_wrap=True)
        trials = study.of_role("trial")
        if trials and all(run.state == "failed" for run in trials):
            raise CfexpError(f"every trial failed, the last one by: {trials[-1].reason}")
        if trials and not study.readings:
            raise CfexpError("no finalist could be fitted on every seed: there is no winner")
        if register is not None:
            words = _registered(study.name, register, flags)
            console.print(words, soft_wrap=True, markup=False, highlight=False)


def _where_next(study: StudyRecord, again: str, flags: dict[str, Any]) -> Iterator[str]:
    from cfexp.report.write import REPORT

    yield f"The report, to be opened in a browser:\n  {study.report_folder / REPORT}"
    if flags["track"]:
        view = command("ui", study.name, where=flags["home"], tracking_uri=flags["tracking_uri"])
        yield f"To compare the runs in MLflow:\n  {view}"
    if study.timeout is not None and len(study.of_role("trial")) < study.budget:
        yield f"To go on with the trials that wait:\n  {again}"


def _check_register(name: str, *, track: bool) -> None:
    from cfexp.tracking.registry import check_name

    check_name(name)
    if not track:
        raise InputError("--register writes to MLflow, which --no-track forbids; leave one out")


def _registered(study: str, name: str, flags: dict[str, Any]) -> str:
    from cfexp.cli.register import words
    from cfexp.studies import register

    place = Place(flags["home"], flags["storage"])
    try:
        return words(register(place, study, name, tracking_uri=flags["tracking_uri"]))
    except TrackingError as error:
        again = command("register", study, name, where=place, tracking_uri=flags["tracking_uri"])
        raise TrackingError(f"{error}\n`{again}` tries again") from error


def _again(file: Path, flags: dict[str, Any], *, as_json: bool) -> str:
    place = Place(flags["home"], flags["storage"])
    options = [*repeated(flags), *["--json"] * as_json]
    return command("run", file, *options, where=place, tracking_uri=flags["tracking_uri"])


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
