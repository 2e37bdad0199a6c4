"""A study small enough to run in seconds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from helpers import SMALL

from cfexp.search.spec import StudySpec
from cfexp.search.study_file import parse


@pytest.fixture(scope="session")
def small() -> StudySpec:
    return parse(tomllib.loads(SMALL)).read_from(SMALL, Path.cwd())
