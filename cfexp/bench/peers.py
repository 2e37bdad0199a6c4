"""The peers: other libraries for the same task, measured only where they are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from cfexp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PEERS = ("implicit", "irspack")


def installed(wanted: Sequence[str], say: Callable[[str], None]) -> dict[str, str]:
    """Return the versions of the peers that are installed; say which are not.

    Raises
    ------
    InputError
        When none is.
    """
    found: dict[str, str] = {}
    for name in wanted:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            say(f"skipped {name}: it is not installed (pip install 'cfexp[peers]')")
    if not found:
        raise InputError(
            f"there is no peer to compare with: none of {', '.join(wanted)} is installed; "
            "install them with pip install 'cfexp[peers]', or measure cfexp --alone"
        )
    return found
