"""How much of what a model learns from is later than what it predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfexp.splits.split import Split


def future_share(split: Split) -> float | None:
    """Return the share of the rows fitted for the test that are later than its median row.

    A split of every user's rows by their own time sees other users' futures: what became
    popular later, what was liked with it later. None where the rows have no times.
    """
    fit, held_out = split.test.fit, split.test.held_out
    if fit.time is None or held_out.time is None or len(fit) == 0:
        return None
    return float(np.mean(fit.time > np.median(held_out.time)))


def future_words(facts: Mapping[str, object]) -> str | None:
    """Return what `future_share` among a split's facts means, for people; None for nothing."""
    share = facts.get("future_share")
    if not isinstance(share, float) or share == 0:
        return None
    percent = f"{share:.0%}" if share >= 0.005 else "Less than 1%"  # noqa: PLR2004 - of rounding
    return (
        f"{percent} of the training rows are later than the median test row, so models have seen "
        'other users\' futures; [split] kind = "by_time" cuts at one moment for everybody.'
    )
