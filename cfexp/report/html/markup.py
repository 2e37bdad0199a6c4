"""`Html`: markup from words. Whatever is not Html already is escaped on its way in."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, TypeVar

from cfexp.analysis.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_T = TypeVar("_T")


class Html(str):
    """Markup that is written as it is."""

    __slots__ = ()


def text(words: object) -> Html:
    r"""Return words as markup that shows them, on one line; Html stays as it is.

    >>> text("<b> & \x1b[31m")
    '&lt;b&gt; &amp; [31m'
    """
    return words if isinstance(words, Html) else Html(escape(plain(str(words))))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """Return an element; attributes end in an underscore where their name is Python's.

    >>> tag("p", "1 < 2", tag("b", "!"), class_="note")
    '<p class="note">1 &lt; 2<b>!</b></p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items()
    )
    inner = "".join(map(text, content))
    return Html(f"<{name}{given}>{inner}</{name}>")


def joined(*parts: object) -> Html:
    """Return parts one after the other, each on its line."""
    return Html("\n".join(map(text, parts)))


def bullets(items: Iterable[object], **attributes: object) -> Html:
    """Return a list of sentences."""
    return tag("ul", *(tag("li", item) for item in items), **attributes)


def lines(words: str) -> Html:
    """Return text of several lines as it was written, without what is not printable."""
    kept = "".join(c for c in words if c.isprintable() or c in "\n\t")
    return Html(f"<pre>{escape(kept)}</pre>")


def folded(summary: str, content: Html) -> Html:
    """Return content that a click on its summary unfolds."""
    return tag("details", tag("summary", summary), content)


def shared_out(things: Sequence[_T], most: int) -> list[Sequence[_T]]:
    """Share things out over as few rows or tables as hold them, about equally many in each.

    >>> shared_out("abcdefgh", 7)
    ['abcd', 'efgh']
    """
    wide = -(-len(things) // max(1, -(-len(things) // most)))
    return [things[start : start + wide] for start in range(0, len(things), max(1, wide))]


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], *, align: str, marked: int = -1
) -> Html:
    """Return a table; `align` has a letter per column, l or r; row `marked` stands out.

    An empty head is left out.
    """
    sides = ["right" if letter == "r" else "left" for letter in align]

    def row(cell: str, cells: Sequence[object], **attributes: object) -> Html:
        inner = (tag(cell, one, class_=side) for one, side in zip(cells, sides, strict=True))
        return tag("tr", *inner, **attributes)

    body = [
        row("td", cells, **({"class_": "marked"} if place == marked else {}))
        for place, cells in enumerate(rows)
    ]
    heads = [tag("thead", row("th", head))] if head else []
    whole = tag("table", *heads, tag("tbody", *body))
    return tag("div", whole, class_="wide")
