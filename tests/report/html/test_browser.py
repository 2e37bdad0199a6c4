"""The page as Chromium shows it: alone, without errors, in the dark, and on paper."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from cfexp.search.store.record import StudyRecord

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAPER = 703  # what A4 leaves between the page's margins, in CSS pixels


@pytest.fixture
def page(real: tuple[Path, StudyRecord]) -> Path:
    return Path(real[1].folder, "report", "report.html")


@pytest.fixture
def opened(browser: Chrome, page: Path) -> Chrome:
    browser.set_window_size(1280, 800)
    for log in ("performance", "browser"):
        browser.get_log(log)  # of pages before
    browser.get(page.absolute().as_uri())
    return browser


def ask(browser: Chrome, script: str) -> Any:  # noqa: ANN401 - what the script returns
    return browser.execute_script(f"return {script}")


def requested(browser: Chrome) -> set[str]:
    """Addresses that pages asked for, according to the browser itself."""
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    return {
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    }


def colour_of(browser: Chrome, element: str, name: str) -> list[int]:
    """Red, green and blue of an element's style."""
    found = ask(browser, f"getComputedStyle(document.querySelector({element!r}))[{name!r}]")
    return [int(float(part)) for part in found.strip("rgba()").split(",")[:3]]


def test_it_stands_alone_and_draws_every_chart(opened: Chrome, page: Path) -> None:
    charts = ask(opened, "document.querySelectorAll('.chart').length")
    assert charts == 10
    assert ask(opened, "document.querySelectorAll('.plot > .plot-container').length") == charts
    marks = ask(
        opened,
        "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll("
        "'.point, .js-line, .trace path').length)",
    )
    assert all(marks), marks
    assert {url for url in requested(opened) if not url.startswith("data:")} == {
        page.absolute().as_uri()
    }
    assert opened.get_log("browser") == []
    assert ask(opened, "document.documentElement.scrollWidth") <= 1280


def test_hostile_titles_are_shown_as_they_are(opened: Chrome) -> None:
    words = ask(opened, "document.body.innerText")
    assert "<script>alert(1)</script>" in words


def test_links_lead_to_chapters(opened: Chrome) -> None:
    lost = ask(
        opened,
        "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector("
        "a.getAttribute('href'))).length",
    )
    assert lost == 0


def test_light_and_dark(opened: Chrome) -> None:
    assert min(colour_of(opened, "body", "backgroundColor")) > 240
    assert max(colour_of(opened, ".plot text", "fill")) < 90
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    assert max(colour_of(opened, "body", "backgroundColor")) < 60
    assert max(colour_of(opened, ".plot .bg, .plot .main-svg", "backgroundColor")) < 60
    assert min(colour_of(opened, ".plot text", "fill")) > 200
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert max(colour_of(opened, ".plot text", "fill")) < 90
    opened.execute_script("dispatchEvent(new Event('afterprint'))")
    assert min(colour_of(opened, ".plot text", "fill")) > 200


def test_charts_fit_their_boxes_however_the_window_changes(opened: Chrome) -> None:
    def sizes(element: str) -> list[list[float]]:
        found: list[list[float]] = ask(
            opened,
            f"[...document.querySelectorAll({element!r})].map(e => e.getBoundingClientRect())"
            ".map(r => [Math.round(r.width), Math.round(r.height)])",
        )
        return found

    for width in (1280, 700, 1100):
        opened.set_window_size(width, 900)
        opened.execute_async_script("setTimeout(arguments[0], 600)")  # Plotly waits for the end
        assert sizes(".plot") == sizes(".plot .main-svg:first-child")
    opened.execute_cdp_cmd("Page.printToPDF", {})
    assert sizes(".plot") == sizes(".plot .main-svg:first-child")


def test_nothing_is_cut_on_paper(opened: Chrome) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": PAPER, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
    )
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    wide = ask(
        opened,
        "[...document.querySelectorAll('svg.main-svg, table')].map(e => "
        f"e.getBoundingClientRect()).filter(r => r.right > {PAPER} || r.left < 0).length",
    )
    assert wide == 0
    assert ask(opened, "document.documentElement.scrollWidth") <= PAPER
    heights = ask(
        opened,
        "[...document.querySelectorAll('.drawn')].map(e => e.getBoundingClientRect().height)",
    )
    assert max(heights) < 1000, "a chart fits a page"


@pytest.mark.usefixtures("opened")
def test_it_prints_to_pdf(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    subprocess.run(
        [
            shutil.which("chromium") or "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={target}",
            page.absolute().as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=200,
    )
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") >= 4
    assert len(content) > 50_000


def test_printing_from_the_dark_is_light(opened: Chrome) -> None:
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    printed = opened.execute_cdp_cmd("Page.printToPDF", {})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    assert min(colour_of(opened, ".plot text", "fill")) > 200, "the screen is dark again"


def test_no_button_sends_charts_away(opened: Chrome) -> None:
    titles = ask(
        opened,
        "[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title.toLowerCase())",
    )
    assert any("png" in title for title in titles)
    assert not [title for title in titles if "cloud" in title or "studio" in title]
