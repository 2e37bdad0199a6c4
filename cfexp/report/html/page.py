"""The page around the chapters: one HTML file, opened anywhere, offline, and printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.report.html.markup import Html, tag, text

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_SCRIPT = "The charts are drawn by a script, which this viewer does not run."


@dataclass(frozen=True)
class Chapter:
    """A heading, and what stands below it."""

    heading: str
    content: Html

    @property
    def anchor(self) -> str:
        """What a link to the chapter says."""
        return re.sub(r"[^a-z]+", "-", self.heading.lower()).strip("-")


def page(title: str, lead: Html, chapters: Sequence[Chapter]) -> str:
    """Return the page; the charting library is in it once, about 5 MB.

    The same chapters make the same page, byte for byte.
    """
    from plotly.offline import get_plotlyjs

    contents = [tag("a", one.heading, href=f"#{one.anchor}") for one in chapters]
    body = [
        tag("header", tag("h1", title), lead),
        tag("nav", *contents, aria_label="Contents"),
        tag("noscript", tag("p", _NO_SCRIPT, class_="warnings")),
        *(_chapter(one) for one in chapters),
    ]
    parts = [
        "<!doctype html>",
        "<html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{text(title)}</title>",
        f"<style>\n{_beside('page.css')}</style>",
        f"<script>{get_plotlyjs()}</script></head>",
        "<body><main>",
        *body,
        "</main>",
        f"<script>\n{_beside('page.js')}</script></body></html>",
        "",
    ]
    return "\n".join(parts)


def _chapter(chapter: Chapter) -> Html:
    heading = tag("h2", chapter.heading)
    return tag("section", heading, chapter.content, id=chapter.anchor, class_="chapter")


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
