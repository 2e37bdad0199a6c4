"""How downloads go on: a bar on a terminal, elsewhere a line at every tenth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_STEPS = 10
_STRIDE = 100 << 20
"""Bytes between two lines where the size is not known."""


class Transfers:
    """Is told how downloads go on, and shows it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._step: dict[str, int] = {}
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes of `what` are here."""
        if self._console.is_terminal:
            if what not in self._tasks:
                self._tasks[what] = self._bars.add_task(what, total=total)
            self._bars.update(self._tasks[what], completed=done, total=total)
            return
        step = done * _STEPS // total if total else done // _STRIDE
        if self._step.get(what, -1) != step:
            self._step[what] = step
            of = f" of {total / 1e6:,.1f} MB ({done / total:.0%})" if total else " MB"
            self.say(f"{what}: {done / 1e6:,.1f}{of}")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(escape(text), soft_wrap=True, highlight=False)
