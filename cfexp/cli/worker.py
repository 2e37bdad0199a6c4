"""`cfexp worker`: trials of a stored study, run beside those of other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from cfexp.cli.failures import resumed_by
from cfexp.cli.progress import Progress
from cfexp.cli.run import repeated
from cfexp.launch import join_study
from cfexp.search.place import Place, command

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def join(name: str, **flags: Any) -> None:  # noqa: ANN401 - those of `join_study`
    """Run waiting trials of a study until none waits; see `cfexp.launch.join_study`."""
    console = Console()
    again = command("worker", name, *repeated(flags), where=Place(flags["home"], flags["storage"]))
    kept = "trials that had not ended are put back for other workers"
    with resumed_by(again, console, kept=kept), Progress(console) as progress:
        study = join_study(name, observer=progress, **flags)
    console.print(_words(study), soft_wrap=True, markup=False, highlight=False)


def _words(study: StudyRecord) -> str:
    ended = len(study.of_role("trial"))
    words = (
        f"No trial of study {study.name!r} waits any more; {ended} of {study.budget} have ended."
    )
    return words if ended == study.budget else f"{words} Others run the rest."
