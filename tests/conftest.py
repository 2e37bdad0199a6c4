"""Fixtures for all tests. Every study here writes to a temporary home."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A shell's background jobs ignore Ctrl-C and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("cfexp", deadline=None)  # a busy machine is no failure
settings.load_profile("cfexp")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; tests that need it are skipped without one."""
    folder = os.environ.get("CFEXP_DATA_DIR")
    if not folder:
        pytest.skip("real data sets: CFEXP_DATA_DIR is not set")
    return Path(folder)


@pytest.fixture
def ml1m(data_dir: Path) -> Path:
    """MovieLens-1M's folder."""
    folder = data_dir / "ml-1m"
    if not (folder / "ratings.dat").exists():
        pytest.skip(f"real data sets: no ml-1m in {data_dir}")
    return folder
