"""How much memory is left, asked before a model fills it."""

from __future__ import annotations

import os
from pathlib import Path

from cfexp.errors import DataError

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Return the bytes that this process may still take, or None where nobody says.

    What Linux calls available, or the container's limit less what it uses; elsewhere
    the machine's memory.
    """
    found = [amount for amount in (_of_system(), _of_group()) if amount is not None]
    return min(found, default=None)


def needs(what: str, size: int, instead: str) -> None:
    """Raise DataError when `what` takes more bytes than there are; `instead` is the way out."""
    left = available()
    if left is not None and size > left:
        raise DataError(
            f"{what} takes {_gigabytes(size)} of memory and {_gigabytes(left)} are left; {instead}"
        )


def _of_system() -> int | None:
    if _SYSTEM.exists():
        for line in _SYSTEM.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_group() -> int | None:
    """Return the room left in the container (cgroup version 2)."""
    try:
        limit, used = ((_GROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        return int(limit) - int(used)  # "max" where there is no limit
    except (OSError, ValueError):
        return None


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
