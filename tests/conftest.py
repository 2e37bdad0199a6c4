"""Fixtures for all tests. Every study here writes to a temporary home."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from servers import new_database, postgres_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

_PATIENT = 120  # seconds for a page to load on a busy machine

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


@pytest.fixture(scope="session")
def databases() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with postgres_service() as (_, address):
        yield address


@pytest.fixture(scope="module")
def postgres(databases: str) -> str:
    """The address of an empty PostgreSQL database."""
    return new_database(databases)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """A headless Chromium that logs requests and what its console says."""
    selenium = pytest.importorskip("selenium.webdriver")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument("--window-size=2400,1400")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = selenium.Chrome(options=options, service=service.Service(driver))
    chrome.set_page_load_timeout(_PATIENT)
    yield chrome
    chrome.quit()
