"""How a study goes on, on a terminal as a moving line, elsewhere as plain lines."""

from __future__ import annotations

import time
from collections import Counter
from math import nan
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from cfexp.analysis.words import plain
from cfexp.report.cleaning import cleaning_lines
from cfexp.search.observer import Observer, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import TaskID

    from cfexp.search.store.record import Point, RunRecord, StudyRecord

_WORDS: dict[Phase, str] = {
    "data": "reading and splitting the data",
    "baselines": "baselines",
    "trials": "trials",
    "finals": "finals",
    "report": "writing the report and MLflow",
}


class Progress(Observer):
    """Shows phases, trials done, pruned and failed, the best so far, and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._metric = ""
        self._better: Callable[[float, float], float] = max
        self._states: Counter[str] = Counter()
        self._best: float | None = None
        self._began = time.perf_counter()
        self._task: TaskID | None = None
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
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

    def phase(self, phase: Phase, total: int) -> None:
        done = sum(self._states.values()) if phase == "trials" else 0
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(
            _WORDS[phase], total=total or None, completed=done, words=self._words()
        )
        if not self._console.is_terminal:
            count = f", {done} of {total} done" if total else ""
            self._line(f"{_WORDS[phase]}{count}")

    def started(self, study: StudyRecord) -> None:
        self._metric = study.objectives[0]
        self._better = max if study.direction == "maximize" else min
        for run in study.of_role("trial"):
            self._count(run)
        rows = study.split["rows"]
        parts = ", ".join(f"{part} {count:,}" for part, count in rows.items())
        facts = study.data
        for line in cleaning_lines(facts):
            self._line(line)
        self._line(
            f"{study.name}: {facts['rows']:,} rows, {facts['users']:,} users, "
            f"{facts['items']:,} items; {parts}"
        )
        for rule, count in study.split.get("dropped", {}).items():
            self._line(f"dropped {count:,} rows: {rule}")
        for note in facts.get("notes", ()):
            self._line(f"note: {note}")

    def point(self, key: str, point: Point) -> None:
        if self._task is not None:
            value = point.metrics[f"val/{self._metric}"]
            self._bars.update(
                self._task, words=f"{self._words()} · {key} epoch {point.epoch}: {value:.4f}"
            )

    def finished(self, run: RunRecord) -> None:
        if run.role == "trial":
            self._count(run)
        if self._task is not None:
            self._bars.update(self._task, advance=1, words=self._words())
        if run.state == "failed":
            self._line(f"{run.label} failed: {run.reason}")
        elif not self._console.is_terminal:
            value = self._value(run)
            self._line(f"{run.role} {run.label}: {self._metric} {value:.4f} ({run.state})")

    def note(self, text: str) -> None:
        self._line(text)

    def _count(self, run: RunRecord) -> None:
        self._states[run.state] += 1
        if run.state == "complete":
            value = self._value(run)
            self._best = value if self._best is None else self._better(self._best, value)

    def _value(self, run: RunRecord) -> float:
        """Return the objective on validation; on test where nothing is searched."""
        return run.metrics.get(f"val/{self._metric}", run.metrics.get(f"test/{self._metric}", nan))

    def _words(self) -> str:
        words = [
            f"{self._states[state]} {state}"
            for state in ("pruned", "failed")
            if self._states[state]
        ]
        if self._best is not None:
            words.append(f"best {self._metric} {self._best:.4f}")
        return " · ".join(words)

    def _line(self, text: str) -> None:
        seconds = time.perf_counter() - self._began
        self._console.print(f"[dim]{seconds:7.1f}s[/dim] {escape(plain(text))}", soft_wrap=True)
