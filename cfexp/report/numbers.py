"""How numbers are written for people."""

from __future__ import annotations

from statistics import mean, stdev
from typing import TYPE_CHECKING

from cfexp.analysis.words import percent, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = "–"  # noqa: RUF001 - an en dash is what an empty cell shows


def value(number: float | None) -> str:
    """Return four decimals for shares, fewer for large numbers, a dash for none.

    >>> value(0.07024), value(992.21), value(12345.6), value(None)
    ('0.0702', '992.2', '12,346', '–')
    """  # noqa: RUF002
    if number is None:
        return MISSING
    size = abs(number)
    return f"{number:,.0f}" if size >= 1e4 else f"{number:.1f}" if size >= 10 else f"{number:.4f}"  # noqa: PLR2004


def signed(number: float) -> str:
    """Return a difference with its sign.

    >>> signed(0.0156), signed(-0.2)
    ('+0.0156', '−0.2000')
    """  # noqa: RUF002
    return f"{'+' if number >= 0 else '−'}{value(abs(number))}"  # noqa: RUF001


def gain(mean: float, relative: float | None) -> str:
    """Return a difference and, where there is one, how large it is relative to the other.

    >>> gain(0.0156, 0.169), gain(-0.2, -0.031)
    ('+0.0156 (+16.9%)', '−0.2000 (−3.1%)')
    """  # noqa: RUF002
    return signed(mean) if relative is None else f"{signed(mean)} ({percent(relative)})"


def plus_minus(number: float | None, low: float | None, high: float | None) -> str:
    """Return a value and half of its interval's width, where it has one, as precisely.

    >>> plus_minus(0.07, 0.066, 0.075), plus_minus(0.07, None, None), plus_minus(992.21, 992, 993)
    ('0.0700 ±.0045', '0.0700', '992.2 ±0.5')
    """
    if low is None or high is None:
        return value(number)
    written = value(number)
    half = f"{(high - low) / 2:,.{len(written.partition('.')[2])}f}"
    return f"{written} ±{half.removeprefix('0') if written.lstrip('-')[0] == '0' else half}"


def parameter(number: object) -> str:
    """Return a hyperparameter with at most four significant digits.

    >>> parameter(0.0123456), parameter(64), parameter("log")
    ('0.01235', '64', 'log')
    """
    return f"{number:.4g}" if isinstance(number, float) else plain(str(number))


def duration(seconds: float | None) -> str:
    """Return a duration with the precision that matters.

    >>> duration(0.0432), duration(3.21), duration(75), duration(None)
    ('43 ms', '3.2 s', '1 min 15 s', '–')
    """  # noqa: RUF002
    if seconds is None:
        return MISSING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def p_value(p: float) -> str:
    """Return a p-value as it is printed: `p < 0.001` or `p = 0.04`.

    >>> p_value(1e-9), p_value(0.0123), p_value(0.41)
    ('p < 0.001', 'p = 0.012', 'p = 0.41')
    """
    return "p < 0.001" if p < 1e-3 else f"p = {p:.2g}"  # noqa: PLR2004


def counted(number: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "trial"), counted(1200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def how_sure(comparisons: int) -> str:
    """Return where intervals and p-values come from, for those who read them."""
    return (
        "Intervals are bootstrapped over users; p-values are from sign flips, corrected for "
        f"{counted(comparisons, 'comparison')} (Holm)."
    )


def mean_and_spread(numbers: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the standard deviation (over n - 1; None for one number)."""
    return mean(numbers), stdev(numbers) if len(numbers) > 1 else None
