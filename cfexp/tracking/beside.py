"""`Beside`: tells a process of its own how a study goes on, which writes it to MLflow.

MLflow takes seconds to import and to make its database, which pass while data are read,
and milliseconds for every run, which pass while the next one computes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cfexp.addresses import redacted
from cfexp.process import Child
from cfexp.search.observer import Observer
from cfexp.search.place import Place, command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.search.store.record import RunRecord, StudyRecord

_LIVES = 2  # projectors that may be told the last message


class Beside(Observer):
    """An observer whose projection runs beside the study, from the moment it is made.

    `say` is told, between runs, what the projector has to say.
    """

    def __init__(
        self, home: Path, uri: str | None, say: Callable[[str], None], storage: str | None = None
    ) -> None:
        self._place = {"home": str(home), "uri": uri, "storage": storage}
        self._sync = partial(command, "sync", where=Place(home, storage), tracking_uri=uri)
        self._child: Child | None = self._begun()
        self._say = say
        self._name = ""
        self._told = self._done = False

    def _begun(self) -> Child:
        child = Child("cfexp.tracking.projector")
        child.send(self._place)
        return child

    def started(self, study: StudyRecord) -> None:
        self._name = study.name
        self._send({"do": "started", "study": study.to_json()})

    def finished(self, run: RunRecord) -> None:
        self._send({"do": "finished", "run": run.to_json()})

    def computed(self, study: StudyRecord) -> None:
        self._send({"do": "computed", "study": study.to_json()})

    def interrupted(self, study: StudyRecord) -> None:
        self._last({"do": "interrupted", "study": study.to_json()})

    def completed(self, study: StudyRecord) -> None:
        self._last({"do": "completed", "study": study.to_json()})

    def close(self) -> None:
        """Part from the projector.

        One that knows the study ends its run in MLflow when it hears no more; nothing was
        written if the study never started.
        """
        if self._child is not None:
            if self._name:
                self._child.let_go()
                self._child = None
            self._end()

    def _send(self, message: dict[str, Any]) -> None:
        if self._child is None:
            return
        self._child.send(message)
        while self._child is not None and self._child.has_spoken:
            self._hear()

    def _last(self, message: dict[str, Any]) -> None:
        """Send the last message and wait until it is done.

        It tells all that there is to write: a successor of one that died needs no more.
        """
        for _ in range(_LIVES):
            if self._done:
                return
            if self._child is None:
                self._child = self._begun()
            self._send(message)
            while self._child is not None:
                self._hear()

    def _hear(self) -> None:
        """Wait for the projector, pass its notes on, and part from it when it is done."""
        assert self._child is not None  # noqa: S101 - for the type checker
        messages = self._child.receive()
        if messages is None:
            words = redacted(self._child.last_words())
            self._end()
            if not self._told:
                self._told = True
                self._say(
                    f"writing to MLflow {words}. No result is lost: "
                    f"the end of the study completes MLflow, or `{self._sync(self._name)}`."
                )
            return
        for message in messages:
            if "note" in message:
                self._say(message["note"])
            else:
                self._done = True
                self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
