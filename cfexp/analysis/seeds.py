"""Which runs make up one configuration: those of the seeds that the study now asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def seeds_of(spec: Mapping[str, Any]) -> int | None:
    """Return over how many seeds a study repeats a configuration, where it says so."""
    seeds = spec.get("finals", {}).get("seeds")
    return seeds if isinstance(seeds, int) else None


def configuration(key: str) -> str:
    """Return what the runs of one configuration share: their key without the seed.

    >>> configuration("final/17/seed-2")
    'final/17'
    """
    return re.sub(r"/seed-\d+$", "", key)


def is_counted(key: str, seeds: int | None) -> bool:
    """Return whether a run's seed is among the first `seeds`; None counts them all.

    A study that was run again with fewer seeds keeps the runs of the others.

    >>> is_counted("final/17/seed-2", 2), is_counted("final/17/seed-3", 2)
    (True, False)
    """
    found = re.search(r"/seed-(\d+)$", key)
    return found is None or seeds is None or int(found[1]) <= seeds
