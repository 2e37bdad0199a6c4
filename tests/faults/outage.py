"""A finished study, told to MLflow as a run does it, and what must hold afterwards."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from faults.campaign import STUDY
from helpers import spec_of

from cfexp.studies import audit, open_study
from cfexp.tracking.mlflow import MlflowTracker

NAME = "outage"
TEXT = STUDY.replace("NAME", NAME)
SPEC = spec_of(TEXT)
SOON = 30  # seconds: what an outage may cost at the end of a study, on a busy machine
AT_ONCE = 1.0  # seconds that a study waits for a call while it runs


def tell(home: Path, uri: str | None, said: list[str]) -> float:
    """Tell a tracker of the study as a run does; return how long that took."""
    study = open_study(home, NAME).record()
    tracker = MlflowTracker(uri, home, said.append)
    tracker.prepare()
    began = time.monotonic()
    tracker.start(dataclasses.replace(study, runs=(), readings=(), verdict=()))
    for run in study.runs:
        tracker.finished(run)
    tracker.computed(study)
    assert time.monotonic() - began < AT_ONCE
    tracker.complete(study)
    return time.monotonic() - began


def sync(home: Path, uri: str | None = None) -> None:
    """Do what `cfexp sync` does, but for writing the report anew."""
    assert (
        MlflowTracker(uri, home, pytest.fail).complete(open_study(home, NAME).record()) is not None
    )


def agrees(home: Path, uri: str | None = None) -> None:
    assert [str(check) for check in audit(home, NAME, tracking_uri=uri).problems] == []
