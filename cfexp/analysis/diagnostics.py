"""What may make a result worth less than it looks, in words: None where there is no doubt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

from cfexp.analysis.words import percent

NEAR = 0.02
"""A value this close to an end, as a share of its range, lies on the edge."""
FINE = 0.05
"""A test set should show relative differences of this size."""
DROP = 0.05
"""A value that falls this much more than the reference's does was chosen by luck in part."""


def at_edge(name: str, value: float, low: float, high: float, *, log: bool = False) -> str | None:
    """Tell when the best `value` lies on the edge of its range, and which way to widen it."""
    if not low < high:
        return None
    place = _share(value, low, high, log=log)
    if NEAR < place < 1 - NEAR:
        return None
    end, advice = ("low", "lower low") if place <= NEAR else ("high", "raise high")
    scale = ", log" if log else ""
    return (
        f"{name} {value:.4g} lies on the {end} end of its range, {low:.4g} to {high:.4g}{scale}: "
        f"{advice} to see whether it gets better."
    )


def few_trials(model: str, trials: int, parameters: int) -> str | None:
    """Tell when a model had fewer trials than it has parameters searched."""
    if trials >= parameters:
        return None
    return (
        f"{model}: {trials} complete trial{'s' * (trials != 1)} for {parameters} searched "
        "parameters; run more trials."
    )


def too_small(users: int, detectable: float, lead: float, rival: str) -> str | None:
    """Tell when a test set cannot show what is asked of it.

    `detectable` is the smallest relative difference from `rival` that is found 4 times in
    5, `lead` the relative difference that was measured.
    """
    if detectable <= FINE and detectable <= abs(lead):
        return None
    small = "The test set is small: with" if detectable > FINE else "With"
    return (
        f"{small} {users:,} users, differences from {rival} below {detectable:.1%} are often "
        f"missed (80% power, 5% level); {abs(lead):.1%} was measured."
    )


def last_epoch(label: str, best: int, epochs: int, gain: float | None = None) -> str | None:
    """Tell when the best epoch was the last; `gain` is the last step's relative gain."""
    if best < epochs or epochs < 2:  # noqa: PLR2004 - one epoch has none before it
        return None
    still = "" if gain is None else f", which still gained {gain:.1%}"
    return f"{label}: its best epoch was the last of {epochs}{still}; raise epochs."


def seeds_outweigh(lead: float, spread: float, rival: str) -> str | None:
    """Tell when the spread over seeds is larger than the lead over the runner-up."""
    if spread <= abs(lead):
        return None
    return (
        f"On validation the winner is {abs(lead):.4f} from {rival}, the runner-up, and the "
        f"standard deviation over seeds is {spread:.4f}: other seeds could choose otherwise."
    )


def fell(
    winner: tuple[float, float],
    reference: tuple[float, float],
    rival: str,
    *,
    error: float = 0.0,
) -> str | None:
    """Tell when the winner loses more from validation to test than a reference does.

    Each is (validation, test), higher being better; the reference was not chosen. `error`
    is half of the 95% interval of the difference of their relative changes.
    """
    if min(winner[0], reference[0]) <= 0:
        return None
    own, other = winner[1] / winner[0] - 1, reference[1] / reference[0] - 1
    if own >= other - max(DROP, error):
        return None
    return (
        f"From validation to test the winner changed by {percent(own)}, {rival} by "
        f"{percent(other)}: part of its lead on validation is likely to be luck of the choice."
    )


def tied(labels: Sequence[str]) -> str | None:
    """Tell which runs list, for most users, items that all have one score."""
    if not labels:
        return None
    return (
        f"{', '.join(labels)}: on test most users' lists hold items of one score alone. These are "
        "in the order of their ids, and what is found is that order's merit."
    )


def read_again(times: int) -> str | None:
    """Tell when the test set was read more than once for tuned configurations."""
    if times < 2:  # noqa: PLR2004 - once is what a test set is for
        return None
    return f"The test set was read {times} times: the more often it is read, the less it proves."


def _share(value: float, low: float, high: float, *, log: bool) -> float:
    """Return where `value` lies between `low` (0) and `high` (1)."""
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)
