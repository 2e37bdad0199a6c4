"""A study small enough to run in seconds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from helpers import SMALL

from cfexp.launch import run_study
from cfexp.search.record import StudyRecord
from cfexp.search.spec import StudySpec
from cfexp.search.study_file import parse


@pytest.fixture(scope="session")
def small() -> StudySpec:
    return parse(tomllib.loads(SMALL)).read_from(SMALL, Path.cwd())


@pytest.fixture(scope="session")
def finished(
    small: StudySpec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, StudyRecord]:
    home = tmp_path_factory.mktemp("home")
    return home, run_study(small, home=home, track=False)
