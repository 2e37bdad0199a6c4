"""The peak of this process's memory over a stretch of work."""

from __future__ import annotations

import gc

from cfexp.peak import forget_peak, peak_memory, resident_memory


class PeakMemory:
    """What the work since its creation took at most, beyond what was held then."""

    def __init__(self) -> None:
        gc.collect()
        # Where the peak cannot be reset: a lower bound, if anything.
        self._before = resident_memory() if forget_peak() else peak_memory()

    def bytes(self) -> int:
        """Return the peak so far."""
        return max(0, peak_memory() - self._before)
