"""One study in a process of its own, with a clock: `python -m cfexp.bench.timed_run JOB.json`.

It does what `cfexp run` does, without the printing. The seconds of its end are written
beside the job: `report`, and `waiting` for MLflow after that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from cfexp.launch import run_study
from cfexp.search.observer import Observer, Phase
from cfexp.search.spec.study_file import load_study

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


class Clock(Observer):
    """Notes when the report is begun, and when it is written."""

    report = written = 0.0

    def phase(self, phase: Phase, total: int) -> None:  # noqa: ARG002
        if phase == "report":
            self.report = perf_counter()

    def completed(self, study: StudyRecord) -> None:  # noqa: ARG002
        self.written = perf_counter()


def main(job: Path) -> None:
    """Run the study that the job names."""
    asked = json.loads(job.read_text())
    clock = Clock()
    run_study(
        load_study(asked["file"]),
        home=asked["home"],
        threads=asked["threads"],
        track=asked["track"],
        observer=clock,
    )
    seconds = {"report": clock.written - clock.report, "waiting": perf_counter() - clock.written}
    job.with_name("answer.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
