"""Words from elsewhere, such as names and reasons, made fit to print."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""Return `text` on one line, without characters that a terminal acts on.

    >>> plain("two\nlines, \x1b[31mred")
    'two lines, [31mred'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
