from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.ui import running_ui, study_links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from cfexp.search.record import StudyRecord

SECONDS = 60
PATIENT = 120


@pytest.fixture
def browser() -> Iterator[Chrome]:
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
    chrome = selenium.Chrome(options=options, service=service.Service(driver))
    chrome.set_page_load_timeout(PATIENT)
    yield chrome
    chrome.quit()


def wait_for(browser: Chrome, *words: str) -> None:
    """Wait until the page's text has all words."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def missing(chrome: Chrome) -> list[str]:
        text = chrome.find_element(By.TAG_NAME, "body").text
        return [word for word in words if word not in text]

    WebDriverWait(browser, SECONDS).until(
        lambda chrome: not missing(chrome), message=f"not all of {words} on the page"
    )


@pytest.mark.browser
@pytest.mark.slow
def test_the_links_open_on_the_study(home: Path, study: StudyRecord, browser: Chrome) -> None:
    MlflowTracker(None, home).complete(study)
    with running_ui(home) as (base, _):
        found = study_links(base)
        browser.get(found["runs"])
        wait_for(browser, "11 matching runs", "val/ndcg_at_10", "test/ndcg_at_10", "als #5")
        wait_for(browser, "solver_used", "cg, 2 steps")
        browser.get("about:blank")
        browser.get(found["trials"])
        wait_for(browser, "8 matching runs", "Parallel Coordinates", "factors vs. val/ndcg_at_10")
        browser.get("about:blank")
        browser.get(found["report"])
        wait_for(browser, "leaderboard.csv", "study.toml")
