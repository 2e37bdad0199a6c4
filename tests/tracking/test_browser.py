"""What a person sees: a real study in the installed MLflow's own pages."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from helpers import TRACKED, spec_of

from cfexp.launch import run_study
from cfexp.tracking.client import open_client
from cfexp.tracking.ui import running_ui, study_links
from cfexp.tracking.view import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mlflow import MlflowClient
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

    from cfexp.search.store.record import StudyRecord

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60


@pytest.fixture(scope="module")
def ran(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyRecord]:
    home = tmp_path_factory.mktemp("shown")
    shutil.copy(migrated, home / "mlflow.db")
    uri = f"sqlite:///{home}/mlflow.db"
    return home, run_study(spec_of(TRACKED, home), home=home, tracking_uri=uri)


@pytest.fixture(scope="module")
def base(ran: tuple[Path, StudyRecord], browser: Chrome) -> Iterator[str]:  # noqa: ARG001
    home, _ = ran
    with socket.socket() as probe:  # not 5000, where another `cfexp ui` may begin
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with running_ui(home, f"sqlite:///{home}/mlflow.db", port) as (address, _):
        yield address


@pytest.fixture
def client(ran: tuple[Path, StudyRecord]) -> MlflowClient:
    home, _ = ran
    return open_client(f"sqlite:///{home}/mlflow.db", home)


def open_page(browser: Chrome, address: str, *words: str) -> str:
    """Open a page, wait until its text has all words, and return the text."""
    from selenium.webdriver.common.by import By

    def text(chrome: Chrome) -> str:
        return str(chrome.find_element(By.TAG_NAME, "body").text)

    browser.get("about:blank")
    browser.get(address)
    until(browser, lambda chrome: all(word in text(chrome) for word in words), f"all of {words}")
    return text(browser)


def until(browser: Chrome, found: Callable[[Chrome], Any], what: str) -> Any:  # noqa: ANN401
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    wait = WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException])
    return wait.until(found, message=f"the page lacks {what}")


def select(browser: Chrome, css: str) -> list[WebElement]:
    from selenium.webdriver.common.by import By

    return browser.find_elements(By.CSS_SELECTOR, css)


def all_headers(browser: Chrome) -> set[str]:
    """Return the table's column headers; only those in sight are on the page."""

    def words(css: str) -> list[str]:
        return [cell.text.strip() for cell in select(browser, css) if cell.text.strip()]

    found: set[str] = set()
    (bar,) = select(browser, ".ag-body-horizontal-scroll-viewport")
    width = int(browser.execute_script("return arguments[0].scrollWidth", bar))  # type: ignore[no-untyped-call]
    for left in range(0, width, 500):
        browser.execute_script("arguments[0].scrollLeft = arguments[1]", bar, left)  # type: ignore[no-untyped-call]
        found |= set(until(browser, lambda _: words(".ag-header-cell"), "headers"))
    return found


def test_the_run_table_nests_children_and_shows_every_column(
    base: str, ran: tuple[Path, StudyRecord], client: MlflowClient, browser: Chrome
) -> None:
    _, study = ran
    count = len(study.runs) + 1
    open_page(browser, study_links(base)["runs"], f"{count} matching runs", "All runs", "synthetic")
    css = ".ag-pinned-left-cols-container .ag-row"
    until(browser, lambda _: len(select(browser, css)) == count, f"{count} rows, unfolded")
    rows = {int(str(row.get_attribute("row-index"))): row for row in select(browser, css)}
    experiment = client.get_experiment_by_name("shown")
    assert experiment is not None
    # Newest first: not nested, the study's own run, the oldest, would be the last row.
    assert rows[0].get_attribute("row-id") == experiment.tags["cfexp.run"]
    assert "shown" in rows[0].text.splitlines()
    names = [line for index in sorted(rows) for line in rows[index].text.splitlines()]
    assert sum(name.startswith("final: als f=") for name in names) == 2
    assert "baseline: popularity" in names
    assert sum(name.startswith("als f=") and " a=" in name for name in names) == 6
    headers = all_headers(browser)
    assert {"val/ndcg_at_10", "test/ndcg_at_10", "val/recall_at_10"} <= headers
    assert {"time/fit_seconds", "memory/peak_megabytes", "search/trial"} <= headers
    assert {"factors", "alpha", "regularization", "kind", "seed"} <= headers
    assert {"cfexp.role", "cfexp.winner", "cfexp.solver_used"} <= headers


def test_the_menu_of_views_filters_with_one_click(base: str, browser: Chrome) -> None:
    open_page(browser, study_links(base)["runs"], "matching runs")
    (menu,) = until(
        browser, lambda _: select(browser, "[data-testid=saved-views-trigger]"), "the menu"
    )
    menu.click()
    names = ["All runs", "Trials", "Baselines and finals", "Winner", "Failed and pruned"]
    items = until(browser, lambda _: select(browser, "[role=menuitem]"), "the views")
    text = " ".join(item.text for item in items)
    assert [name for name in names if name not in text] == []
    next(item for item in items if "Winner" in item.text).click()
    open_words = "3 matching runs"  # the winner's trial and its two seeds
    until(browser, lambda _: open_words in select(browser, "body")[0].text, open_words)


def test_a_chart_shows_the_objective_of_every_trial(
    base: str, ran: tuple[Path, StudyRecord], browser: Chrome
) -> None:
    _, study = ran
    open_page(
        browser,
        study_links(base)["trials"],
        "6 matching runs",
        "Parallel Coordinates",
        "search/trial vs. val/ndcg_at_10",
        "alpha vs. val/ndcg_at_10",
    )
    known = sum("val/ndcg@10" in run.metrics for run in study.of_role("trial"))
    css = ".scatterlayer .point"
    until(browser, lambda _: len(select(browser, css)) >= known, f"{known} points")
    open_page(browser, study_links(base)["tested"], "test/ndcg_at_10", "baseline: popularity")


def test_the_study_s_run_describes_itself(base: str, browser: Chrome) -> None:
    page = study_links(base)["report"].replace("/artifacts/report.html", "")
    text = open_page(browser, page, "reaches ndcg@10", "Show more", "Source")
    assert "paired tests, corrected" in text
    bold = [word.text for word in select(browser, "li strong")]
    assert {"Trials", "Studied", "Data"} <= set(bold)  # markdown, not its signs
    assert "**" not in text.split("Metrics (")[0]


def test_a_final_says_what_its_study_found(
    base: str, client: MlflowClient, browser: Chrome
) -> None:
    experiment = client.get_experiment_by_name("shown")
    assert experiment is not None
    role = "tags.`cfexp.role` = 'final'"
    final = client.search_runs([experiment.experiment_id], role)[0]
    page = f"{base}/#/experiments/{experiment.experiment_id}/runs/{final.info.run_id}"
    open_page(browser, page, "the winner, seed", "mean of 2 seeds", "cfexp.versions")


def test_the_report_is_displayed_on_the_artifacts_page(
    base: str, client: MlflowClient, browser: Chrome
) -> None:
    link = study_links(base)["report"]
    run_id = link.split("/runs/")[1].split("/")[0]
    assert "report.html" in {file.path for file in client.list_artifacts(run_id)}
    open_page(browser, link, "leaderboard.csv", "study.toml", "report.html")
    (frame,) = until(browser, lambda _: select(browser, "iframe"), "the report")
    browser.switch_to.frame(frame)
    try:
        until(browser, lambda _: "shown" in select(browser, "body")[0].text, "the report's title")
        until(browser, lambda _: select(browser, ".main-svg"), "a plot")
    finally:
        browser.switch_to.default_content()


def test_two_runs_are_compared(base: str, client: MlflowClient, browser: Chrome) -> None:
    experiment = client.get_experiment_by_name("shown")
    assert experiment is not None
    role = "tags.`cfexp.role` = 'trial'"
    two = [run.info for run in client.search_runs([experiment.experiment_id], role)[:2]]
    runs = json.dumps([run.run_id for run in two], separators=(",", ":"))
    address = f'{base}/#/compare-runs?runs={runs}&experiments=["{experiment.experiment_id}"]'
    names = [str(run.run_name) for run in two]
    open_page(browser, address, *names, "factors", "val/ndcg_at_10", "memory/peak_megabytes")


def test_without_saved_views_the_links_still_show_the_runs(
    base: str, ran: tuple[Path, StudyRecord], client: MlflowClient, browser: Chrome
) -> None:
    experiment = client.get_experiment_by_name("shown")
    assert experiment is not None
    kept = {name: value for name, value in experiment.tags.items() if name.startswith(TAG)}
    assert len(kept) == 5
    try:
        for name in kept:
            client.delete_experiment_tag(experiment.experiment_id, name)
        found = study_links(base)
        assert "viewStateShareKey" not in "".join(found.values())
        open_page(browser, found["runs"], "shown", f"{len(ran[1].runs) + 1} matching runs")
    finally:
        for name, value in kept.items():
            client.set_experiment_tag(experiment.experiment_id, name, value)


def test_groups_of_users_are_compared_across_runs(
    base: str, client: MlflowClient, browser: Chrome
) -> None:
    address = study_links(base)["tested"].replace("Mode=CHART", "Mode=ARTIFACT")
    text = open_page(browser, address, "recall@10 by train_positives: <20", "baseline: popularity")
    experiment = client.get_experiment_by_name("shown")
    assert experiment is not None
    role = "tags.`cfexp.role` = 'final'"
    final = client.search_runs([experiment.experiment_id], role)[0]
    path = client.download_artifacts(final.info.run_id, "tables/groups.json")
    table = json.loads(Path(path).read_text())
    assert table["columns"] == ["group", "mean", "users"]
    assert str(table["data"][0][1])[:6] in text
