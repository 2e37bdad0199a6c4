"""A page of charts that stands alone: one HTML file, opened anywhere, offline."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from cfexp.analysis.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plotly.graph_objects import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1080px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0; }
p { margin: .25rem 0; color: #52606d; }
.chart { overflow-x: auto; }
"""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence below it, and a chart (None: the sentence says why not)."""

    heading: str
    note: str
    figure: Figure | None = None


def drawn(heading: str, note: str, chart: Callable[[], Figure]) -> Section:
    """Draw a chart; what the libraries warn of is said below the heading.

    A chart that they cannot draw becomes a sentence in its place.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            figure = chart()
        except Exception as error:  # noqa: BLE001 - no chart is worth a report
            return refused(heading, error)
    notes = [note, *(str(said.message) for said in caught if said.category is UserWarning)]
    return Section(heading, " ".join(dict.fromkeys(notes)), figure)


def refused(heading: str, error: Exception) -> Section:
    """Return the section of a chart that cannot be drawn."""
    return Section(heading, f"This cannot be drawn: {plain(str(error)) or type(error).__name__}")


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return an HTML page; the charting library is in it once, about 5 MB."""
    from plotly.offline import get_plotlyjs

    parts = [
        "<!doctype html>",
        f"<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f"<script>{get_plotlyjs()}</script></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>",
    ]
    for number, section in enumerate(sections):
        note, chart = section.note, ""
        if section.figure is not None:
            try:
                chart = _chart(section.figure, number)
            except Exception as error:  # noqa: BLE001 - likewise
                note = refused(section.heading, error).note
        parts.append(f"<h2>{escape(section.heading)}</h2><p>{escape(note)}</p>{chart}")
    return "\n".join([*parts, "</body></html>", ""])


def _chart(figure: Figure, number: int) -> str:
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displaylogo": False},
        div_id=f"chart-{number}",  # a random one would make every page a new file
    )
    return f"<div class='chart'>{html}</div>"
