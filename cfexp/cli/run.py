"""`cfexp run`: a study file in, progress meanwhile, an honest table out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cfexp.cli.progress import Progress
from cfexp.launch import run_study
from cfexp.search.study_file import load_study

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.search.record import StudyRecord


def run_file(file: Path, *, home: Path, trials: int | None, **flags: Any) -> None:  # noqa: ANN401
    """Run the study in `file` and print its leaderboard; see `cfexp.launch.run_study`."""
    spec = load_study(file)
    console = Console()
    with Progress(console, spec) as progress:
        try:
            study = run_study(spec, home=home, trials=trials, observer=progress, **flags)
        except KeyboardInterrupt:
            progress.stop()
            command = ["cfexp", "run", str(file), "--home", str(home)]
            if trials is not None:
                command += ["--trials", str(trials)]
            console.print(
                "Stopped; everything finished is kept. To go on:\n  " + escape(shlex.join(command)),
                soft_wrap=True,
            )
            raise
    show(study, console)
    view = escape(shlex.join(["cfexp", "ui", study.name, "--home", str(home)]))
    console.print(f"\nTo compare the runs in MLflow:\n  {view}", soft_wrap=True)


def show(study: StudyRecord, console: Console) -> None:
    """Print the leaderboard, the groups of users and the verdict."""
    from cfexp.report.buckets import bucket_tables
    from cfexp.report.tables import leaderboard_table
    from cfexp.report.verdict import verdict

    console.print()
    console.print(leaderboard_table(study, console.width))
    for table in bucket_tables(study):
        console.print(table)
    for sentence in verdict(study):
        console.print(f"• {escape(sentence)}")
