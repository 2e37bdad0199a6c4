"""The peak of this process's memory over a stretch of work."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # see proc(5)


class PeakMemory:
    """What the work since its creation took at most, beyond what was held then."""

    def __init__(self) -> None:
        gc.collect()
        try:
            _CLEAR.write_text(_RESET_PEAK)
        except OSError:
            self._before = _highest()  # no way to reset it: a lower bound, if anything
        else:
            self._before = _status("VmRSS")

    def bytes(self) -> int:
        """Return the peak so far."""
        return max(0, _highest() - self._before)


def _highest() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
