from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cfexp.tracking.mlflow import MlflowTracker
from cfexp.tracking.ui import running_ui, study_links

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

    from cfexp.search.record import StudyRecord

SECONDS = 60


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
