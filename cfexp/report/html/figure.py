"""Charts: from a Plotly figure to markup, drawn by `page.js` in the reader's colours."""

from __future__ import annotations

import json
import warnings
from html import escape
from typing import TYPE_CHECKING

from cfexp.analysis.words import plain
from cfexp.report.html.markup import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from plotly.graph_objects import Figure

# After Okabe and Ito, told apart by colour-blind readers too; a contrast of 3 and more
# to white and to near-black alike.
BLUE, ORANGE, GREEN, PINK, GREY = "#1f78b4", "#cc7a00", "#009e73", "#c66f9f", "#868e96"
OTHERS = (ORANGE, GREEN, PINK, GREY, "#d55e00", "#7b61c9", "#8a8a00")
"""What is not the winner, which is blue."""
FROM_TO = [[0.0, ORANGE], [0.5, "#b0528c"], [1.0, BLUE]]
"""A scale of colours: from orange, low or early, to blue."""
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
MARGIN = {"l": 70, "r": 24, "t": 40, "b": 60}


def label(words: object) -> str:
    """Return words for a chart, which reads markup and gives escaped words back."""
    return escape(plain(str(words)), quote=False)


def chart(figure: Figure, name: str) -> Html:
    """Return a figure as markup; `name` is for who cannot see it."""
    content = json.loads(figure.to_json())
    content["layout"].pop("template", None)  # the page has its own, for light and dark
    content["layout"].pop("title", None)
    data = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return tag(
        "figure",
        tag("div", class_="plot", role="img", aria_label=name),
        tag("script", Html(data), type="application/json"),
        class_="chart",
    )


def drawn(heading: str, note: str, make: Callable[[], Figure]) -> Html:
    """Return a heading, a sentence and a chart; what the libraries warn of joins the sentence.

    A chart that they cannot draw becomes a sentence in its place.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            figure = chart(make(), heading)
        except Exception as error:  # noqa: BLE001 - no chart is worth a report
            return said(heading, cannot(error))
    notes = [note, *(str(one.message) for one in caught if one.category is UserWarning)]
    return tag("section", said(heading, " ".join(dict.fromkeys(notes))), figure, class_="drawn")


def said(heading: str, *sentences: object) -> Html:
    """Return a heading and sentences."""
    return joined(tag("h3", heading), *(tag("p", one, class_="note") for one in sentences))


def cannot(error: Exception) -> str:
    """Return the sentence in place of what an error prevents."""
    return f"This cannot be shown: {plain(str(error)) or type(error).__name__}"
