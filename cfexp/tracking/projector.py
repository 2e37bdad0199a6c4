"""The process that projects: it reads what happens as JSON lines and writes it to MLflow.

Messages in: where MLflow is; then `started`, `finished` runs and `computed`; last,
`completed` or `interrupted`. Out: `{"note": ...}` for people, and `{"done": true}` after the last.
MLflow is imported, and its database made, before there is a study to write. When the
process that started this one dies, what had come in time is still written.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.process import answers, messages_of
from cfexp.search.store.record import RunRecord, StudyRecord
from cfexp.tracking.client import be_impatient
from cfexp.tracking.mlflow import MlflowTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NICENESS = 19  # what computes goes first
_PATIENCE = 60  # seconds: a killed session's projector may still write what it heard


def main() -> None:
    """Serve the process that started this one, over standard input and output."""
    out = answers()

    def send(message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(message) + "\n")
            out.flush()

    be_impatient()
    messages = messages_of(sys.stdin)
    place = next(messages)  # not an argument: it may hold a password
    tracker = MlflowTracker(
        place["uri"],
        Path(place["home"]),
        lambda text: send({"note": text}),
        storage=place["storage"],
        patience=_PATIENCE,
        niceness=_NICENESS,
    )
    tracker.prepare()
    if project(tracker, messages):
        send({"done": True})
    # Nothing is left to write, and MLflow's threads must not keep the process.
    os._exit(0)


def project(tracker: MlflowTracker, messages: Iterable[dict[str, Any]]) -> bool:
    """Pass messages on to the tracker; return whether the last one came.

    Where it did not, whoever told of the study has died, and its run is ended here.
    """
    calls: dict[str, Callable[[StudyRecord], object]] = {
        "started": tracker.start,
        "computed": tracker.computed,
        "interrupted": tracker.interrupted,
        "completed": tracker.complete,
    }
    study: StudyRecord | None = None
    ended = False
    try:
        for message in messages:
            if message["do"] == "finished":
                tracker.finished(RunRecord.from_json(message["run"]))
                continue
            study = StudyRecord.from_json(message["study"])
            calls[message["do"]](study)
            ended = message["do"] in {"interrupted", "completed"}
            if ended:
                break
    finally:
        if study is not None and not ended:
            tracker.interrupted(study)
    return ended


if __name__ == "__main__":
    main()
