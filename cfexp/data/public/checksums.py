"""A file's checksums and lines, measured in one pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.data.public.catalogue import Checksum

_BLOCK = 1 << 20
KEPT = "sha256"
"""The checksum that is kept of a file whose publisher states none."""


@dataclass(frozen=True)
class Measured:
    """What was found in a file."""

    checksums: dict[str, str]
    lines: int

    def agrees(self, checksum: Checksum) -> bool:
        """Return whether the file has this checksum, which was asked for."""
        return checksum in self.checksums.values()


def measure(file: Path, *expected: Checksum) -> Measured:
    """Return the file's checksums, `KEPT` and those of the kinds `expected`, and its lines.

    A last line without a line break counts.
    """
    size = file.stat().st_size
    kinds = dict.fromkeys([KEPT, *(one.partition(":")[0] for one in expected)])
    digests = {kind: _digest(kind, size) for kind in kinds}
    lines, last = 0, b"\n"
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            for digest in digests.values():
                digest.update(block)
            lines += block.count(b"\n")
            last = block[-1:]
    return Measured(
        {kind: f"{kind}:{digest.hexdigest()}" for kind, digest in digests.items()},
        lines + (last != b"\n"),
    )


def _digest(kind: str, size: int) -> Any:  # noqa: ANN401 - hashlib has no public type
    if kind == "git":  # the id of a blob is the SHA-1 of its size and its bytes
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return hashlib.new(kind, usedforsecurity=False)
