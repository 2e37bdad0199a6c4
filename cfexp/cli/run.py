"""`cfexp run`: a study file in, progress meanwhile, an honest table out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cfexp.cli.progress import Progress
from cfexp.errors import CfexpError
from cfexp.launch import run_study
from cfexp.search.study_file import load_study

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def run_file(file: Path, **flags: Any) -> None:  # noqa: ANN401 - those of `run_study`
    """Run the study in `file` and print its leaderboard; see `cfexp.launch.run_study`."""
    spec = load_study(file)
    console = Console()
    home = ["--home", str(flags["home"])]
    with Progress(console, spec) as progress:
        try:
            study = run_study(spec, observer=progress, **flags)
        except KeyboardInterrupt:
            progress.stop()
            command = ["cfexp", "run", str(file), *home, *_repeated(flags)]
            console.print(
                "Stopped; everything finished is kept. To go on:\n  " + escape(shlex.join(command)),
                soft_wrap=True,
            )
            raise
    show(study, console)
    from cfexp.report.write import REPORT

    page = escape(str(Path(study.folder, "report", REPORT)))
    console.print(f"\nThe report, to be opened in a browser:\n  {page}", soft_wrap=True)
    if flags["track"]:
        view = escape(shlex.join(["cfexp", "ui", study.name, *home]))
        console.print(f"\nTo compare the runs in MLflow:\n  {view}", soft_wrap=True)
    trials = study.of_role("trial")
    if trials and all(run.state == "failed" for run in trials):
        raise CfexpError(f"every trial failed, the last one by: {trials[-1].reason}")
    if trials and not study.readings:
        raise CfexpError("no finalist could be fitted on every seed: there is no winner")


def _repeated(flags: dict[str, Any]) -> list[str]:
    """Return the flags that a resumed run needs as well."""
    given = [] if flags["track"] else ["--no-track"]
    usual = {"trials": None, "workers": 1, "threads": None, "tracking_uri": None}
    for name, value in usual.items():
        if flags[name] != value:
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
