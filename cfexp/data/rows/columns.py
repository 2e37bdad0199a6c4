"""Which column plays which role, and how times are written: shared by the file formats."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from cfexp.errors import did_you_mean
from cfexp.recipe import Recipe

UNIX = {
    "unix": "seconds",
    "unix_ms": "milliseconds",
    "unix_us": "microseconds",
    "unix_ns": "nanoseconds",
}
"""The ways to write a time as a number since 1970 UTC, and the unit of each."""
TIME_FORMATS = ("auto", *UNIX, "iso")

MissingValues: TypeAlias = Literal["refuse", "drop"]
"""What becomes of rows whose value is missing."""

Column: TypeAlias = Annotated[int, Field(ge=1)] | Annotated[str, Field(min_length=1)]
"""A column's name, or its position counted from 1."""


def _known_time_format(text: str) -> str:
    if text in TIME_FORMATS:
        return text
    if "%" in text:
        return _strptime_pattern(text)
    raise ValueError(
        f"must be one of {', '.join(TIME_FORMATS)}, or a pattern such as '%d/%m/%Y %H:%M'"
        + did_you_mean(text, TIME_FORMATS)
    )


def _strptime_pattern(text: str) -> str:
    import pandas as pd

    try:  # what is read as the time does not matter: a wrong pattern fails with any
        pd.to_datetime(["2024"], format=text, utc=True, errors="coerce")
    except (ValueError, re.error) as error:
        raise ValueError(
            f"must be a pattern such as '%d/%m/%Y %H:%M', each part at most once: {error}"
        ) from error
    return text


TimeFormat: TypeAlias = Annotated[str, AfterValidator(_known_time_format)]
"""How times are written.

`unix`: seconds since 1970 UTC; `unix_ms`, `unix_us`, `unix_ns`: milli-, micro- and
nanoseconds; `iso`: such as 2024-05-01 or 2024-05-01T12:30:00+02:00 (UTC where no zone is
given); a strptime pattern; `auto`: a column's own timestamps, else iso for text, and for
numbers the unit that the size of most of them tells.
"""


class Columns(Recipe):
    """Which columns to read, each by its name in the header or its position from 1."""

    user: Column
    """Who."""
    item: Column
    """What."""
    value: Column | None = None
    """How much (a rating, a count), 0 or more; left out: every row counts 1."""
    time: Column | None = None
    """When; needed by splits in time."""
    title: Column | None = None
    """The item's title, to show to people; the first that is not empty is kept."""
    part: Column | None = None
    """Whether a row is `train`, `validation` or `test`, for the split `predefined`."""

    def roles(self) -> dict[str, int | str]:
        """Return the column of each role that is read."""
        return {role: column for role, column in self if column is not None}
