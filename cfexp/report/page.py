"""A page of charts that stands alone: one HTML file, opened anywhere, offline."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        parts.append(f"<h2>{escape(section.heading)}</h2><p>{escape(section.note)}</p>")
        if section.figure is not None:
            chart = section.figure.to_html(
                full_html=False,
                include_plotlyjs=False,
                config={"displaylogo": False},
                div_id=f"chart-{number}",  # a random one would make every page a new file
            )
            parts.append(f"<div class='chart'>{chart}</div>")
    return "\n".join([*parts, "</body></html>", ""])
