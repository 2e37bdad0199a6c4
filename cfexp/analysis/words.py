"""Words from elsewhere, such as names and reasons, made fit to print."""

from __future__ import annotations

import html
import re


def plain(text: str) -> str:
    r"""Return `text` on one line, without characters that a terminal acts on.

    >>> plain("two\nlines, \x1b[31mred")
    'two lines, [31mred'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def printable(text: str) -> str:
    r"""Return `text` on its lines, a space in place of each character that a terminal acts on.

    >>> print(printable("two\n\u202elines, \x1b[31mred"))
    two
     lines,  [31mred
    """
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def with_minus(number: str) -> str:
    """Return a formatted number with a minus sign in place of the hyphen.

    >>> with_minus(f"{-0.25:+.2f}"), with_minus(f"{0.25:+.2f}")
    ('−0.25', '+0.25')
    """  # noqa: RUF002
    return number.replace("-", "−")  # noqa: RUF001


def percent(change: float) -> str:
    """Return a relative change as it is printed.

    >>> percent(0.144), percent(-0.031)
    ('+14.4%', '−3.1%')
    """  # noqa: RUF002
    return with_minus(f"{change:+.1%}")


def markdown(text: str) -> str:
    r"""Return `text` such that it reads the same in markdown: no markup in it acts.

    >>> print(markdown("1. *bold* <b>bold</b>"))
    1\. \*bold\* &lt;b&gt;bold&lt;/b&gt;
    """
    escaped = re.sub(r"([\\\\`*_\[\]~|])", r"\\\1", html.escape(plain(text), quote=False))
    return re.sub(r"^(\d*)([-#+=.)])", r"\1\\\2", escaped)
