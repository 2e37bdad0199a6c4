"""A study small enough to run in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import SMALL, spec_of

from cfexp.launch import run_study
from cfexp.search.record import StudyRecord
from cfexp.search.spec import StudySpec


@pytest.fixture(scope="session")
def small() -> StudySpec:
    return spec_of(SMALL)


@pytest.fixture(scope="session")
def finished(
    small: StudySpec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, StudyRecord]:
    home = tmp_path_factory.mktemp("home")
    return home, run_study(small, home=home, track=False)
