"""`cfexp worker`: trials of a stored study, run beside those of other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from cfexp.cli.progress import Progress
from cfexp.cli.run import repeated
from cfexp.cli.stopping import stoppable
from cfexp.launch import join_study
from cfexp.search.place import Place, command

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def join(name: str, **flags: Any) -> None:  # noqa: ANN401 - those of `join_study`
    """Run waiting trials of a study until none waits; see `cfexp.launch.join_study`."""
    console = Console()
    place = Place(flags["home"], flags["storage"])
    again = command("worker", name, *repeated(flags), where=place)
    words = "Stopped; trials that had not ended are put back for other workers. To go on:\n  "
    with stoppable(console, words + again), Progress(console) as progress:
        study = join_study(name, observer=progress, **flags)
    console.print(_words(study), soft_wrap=True, markup=False, highlight=False)


def _words(study: StudyRecord) -> str:
    ended = len(study.of_role("trial"))
    words = (
        f"No trial of study {study.name!r} waits any more; {ended} of {study.budget} have ended."
    )
    return words if ended == study.budget else f"{words} Others run the rest."
