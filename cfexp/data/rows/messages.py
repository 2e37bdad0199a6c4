"""Refusing rows: the rule, how many rows break it, and the first few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cfexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cfexp.arrays import Longs, Mask

SHOWN = 3
"""How many offending rows a message shows."""
_WIDTH = 200
_NAMES = 30


class Reader(Protocol):
    """What a message needs from whoever read the rows."""

    @property
    def file(self) -> Path | str:
        """The file, or what else is read, for messages."""

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position."""


def refuse(reader: Reader, rule: str, bad: Mask, kept: Longs) -> None:
    """Raise DataError when a row breaks `rule`, showing the first few."""
    rows = kept[bad]
    if len(rows):
        lines = reader.show([int(row) for row in rows[:SHOWN]])
        raise broken(reader.file, rule, lines, len(rows), len(kept))


def broken(file: Path | str, rule: str, lines: Sequence[str], count: int, of: int) -> DataError:
    """Return the error that `count` of `of` rows break `rule`; `lines` are the first of them."""
    shown = "\n".join(f"  {clip(line)}" for line in lines)
    more = f"\n  ... and {count - SHOWN:,} more" if count > SHOWN else ""
    return DataError(f"{file}: {rule}; {count:,} of {of:,} rows break this:\n{shown}{more}")


def clip(text: str, width: int = _WIDTH) -> str:
    """Return `text`, cut where it is longer than a message should be."""
    return text if len(text) <= width else f"{text[:width]}… ({len(text):,} characters)"


def positions(
    file: Path | str, roles: Mapping[str, int | str], names: Sequence[str]
) -> dict[str, int]:
    """Return the position from 0 of each role's column among the file's columns `names`."""
    found = {}
    for role, column in roles.items():
        if isinstance(column, int):
            if column > len(names):
                raise DataError(
                    f"{file}: no column {column} for the {role}; rows have {len(names)} columns"
                )
            found[role] = column - 1
            continue
        count = list(names).count(column)
        if count != 1:
            if count > 1:
                raise DataError(
                    f"{file}: {count} columns are called {clip(column)!r}, and the {role} is one "
                    "of them; rename one, or give its position from 1"
                )
            hint = "; is the separator right?" if len(names) == 1 else ""
            known = ", ".join(clip(repr(name), 60) for name in names[:_NAMES])
            more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
            raise DataError(
                f"{file}: no column {clip(column)!r} for the {role}; the columns are "
                f"{known or 'none'}{more}{did_you_mean(column, names)}{hint}"
            )
        found[role] = list(names).index(column)
    return found
