"""`Timeout`: how long a session searches."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeout:
    """A limit of so many `seconds`, which is over at `until` (of `time.monotonic`)."""

    seconds: float
    until: float

    @classmethod
    def after(cls, seconds: float) -> Timeout:
        """Return the limit of a session that begins now."""
        return cls(seconds, time.monotonic() + seconds)
