"""`Observer`: whoever wants to know how a study goes on. Each call may be ignored.

A tracking backend is an observer, and so is the progress display. Observers never
decide anything; what one raises ends the study as Ctrl-C does, to be resumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cfexp.search.store.record import Point, RunRecord, StudyRecord

Phase = Literal["data", "baselines", "trials", "finals", "report"]


class Observer:
    """Told what happens, in the coordinator's process and thread."""

    def phase(self, phase: Phase, total: int) -> None:
        """Tell that a phase begins, with so many runs before it (0: not counted in runs)."""

    def started(self, study: StudyRecord) -> None:
        """Tell that the study is in the store; `study` holds what earlier sessions left."""

    def point(self, key: str, point: Point) -> None:
        """Tell that the run `key` evaluated an epoch."""

    def finished(self, run: RunRecord) -> None:
        """Tell that a run is in the store."""

    def computed(self, study: StudyRecord) -> None:
        """Tell that all runs are done and the winner's model is saved; the report is next."""

    def interrupted(self, study: StudyRecord) -> None:
        """Tell that the study stops before its end; it can be resumed."""

    def completed(self, study: StudyRecord) -> None:
        """Tell that everything is done and the study's report is written."""

    def note(self, text: str) -> None:
        """Tell something a person should know."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def phase(self, phase: Phase, total: int) -> None:
        for observer in self._observers:
            observer.phase(phase, total)

    def started(self, study: StudyRecord) -> None:
        for observer in self._observers:
            observer.started(study)

    def point(self, key: str, point: Point) -> None:
        for observer in self._observers:
            observer.point(key, point)

    def finished(self, run: RunRecord) -> None:
        for observer in self._observers:
            observer.finished(run)

    def computed(self, study: StudyRecord) -> None:
        for observer in self._observers:
            observer.computed(study)

    def interrupted(self, study: StudyRecord) -> None:
        for observer in self._observers:
            observer.interrupted(study)

    def completed(self, study: StudyRecord) -> None:
        for observer in self._observers:
            observer.completed(study)

    def note(self, text: str) -> None:
        for observer in self._observers:
            observer.note(text)
