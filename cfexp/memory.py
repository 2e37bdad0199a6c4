"""How much memory is left, asked before it is filled: what cannot fit is refused."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from cfexp.errors import DataError

_SYSTEM = Path("/proc/meminfo")
_OWN = Path("/proc/self/status")
_GROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Return the bytes that this process may still take, or None where nobody says.

    What Linux calls available (free, or a cache that it can give up), or the container's
    limit less what is in use there, caches again left out; elsewhere the machine's memory.
    Never more than what is left of `ulimit -v`.
    """
    asked = (_of_system(), _of_group(), _of_process())
    found = [amount for amount in asked if amount is not None]
    return min(found, default=None)


def needs(what: str, size: int, instead: str) -> None:
    """Raise DataError when `what` takes more bytes than there are; `instead` is the way out."""
    left = available()
    if left is not None and size > left:
        raise DataError(
            f"{what} takes about {_gigabytes(size)} of memory and {_gigabytes(left)} are left; "
            f"{instead}"
        )


def _of_system() -> int | None:
    try:
        return _named(_SYSTEM, "MemAvailable:") * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _of_group() -> int | None:
    """Return the room left in the container (cgroup version 2), None without a limit."""
    try:
        limit, used = ((_GROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        room = int(limit) - int(used)  # "max" where there is no limit
    except (OSError, ValueError):
        return None
    try:
        # files that were read count as used, and are given up when memory runs short
        return room + _named(_GROUP / "memory.stat", "inactive_file")
    except (OSError, ValueError):
        return room


def _of_process() -> int | None:
    """Return the room left below the limit of this process's addresses, None without one."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        return limit - _named(_OWN, "VmSize:") * 1024
    except (OSError, ValueError):
        return limit


def _named(file: Path, name: str) -> int:
    """Return the number that follows `name` in a file of lines; ValueError without one."""
    for line in file.read_text().splitlines():
        words = line.split()
        if words[:1] == [name]:
            return int(words[1])
    raise ValueError(f"{file} has no {name}")


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
