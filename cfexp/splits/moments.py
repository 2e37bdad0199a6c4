"""Moments in a study file: a date, or days back from the newest row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator

_DAY = 86_400_000_000  # microseconds
_DATES = "a date such as '2024-05-01' or '2024-05-01T12:00:00' (UTC where no zone is given)"


def _moment(given: Any) -> str:  # noqa: ANN401 - whatever the file holds
    """Return a date as ISO text in UTC: one writing for each moment."""
    if isinstance(given, date) and not isinstance(given, datetime):
        given = given.isoformat()
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError(f"must be {_DATES}") from None
    if not isinstance(given, datetime):
        raise ValueError(f"must be {_DATES}")  # noqa: TRY004 - Pydantic collects ValueErrors
    zoned = given if given.tzinfo else given.replace(tzinfo=UTC)
    try:
        return zoned.astimezone(UTC).isoformat().removesuffix("+00:00")
    except OverflowError:
        raise ValueError(f"must be {_DATES}, in the years 1 to 9999") from None


def _cutoff(given: Any) -> float | str:  # noqa: ANN401 - whatever the file holds
    if isinstance(given, bool) or not isinstance(given, int | float | str | date):
        raise ValueError(f"must be a number of days, or {_DATES}")  # noqa: TRY004 - likewise
    if isinstance(given, int | float):
        if not 0 < given <= _MOST_DAYS:
            raise ValueError(f"must be above 0 and at most {_MOST_DAYS:,} days, or {_DATES}")
        return float(given)
    return _moment(given)


def _cutoff_or_none(given: Any) -> float | str:  # noqa: ANN401 - whatever the file holds
    return 0.0 if not isinstance(given, bool | str) and given == 0 else _cutoff(given)


_MOST_DAYS = 100_000

Moment: TypeAlias = Annotated[str, PlainValidator(_moment)]
"""A date, as ISO text in UTC."""

Cutoff: TypeAlias = Annotated[float | str, PlainValidator(_cutoff)]
"""A number of days back from some moment, or a date."""

CutoffOrNone: TypeAlias = Annotated[float | str, PlainValidator(_cutoff_or_none)]
"""Likewise, or 0 for none."""


def microseconds_of(cutoff: float | str, back_from: int) -> int:
    """Return a cutoff in microseconds since 1970 UTC; days count back from `back_from`."""
    import numpy as np

    if isinstance(cutoff, str):
        return int(np.datetime64(cutoff, "us").astype(np.int64))
    return back_from - round(cutoff * _DAY)


def written(moment: int) -> str:
    """Return microseconds since 1970 UTC as ISO text to the second, for people."""
    import numpy as np

    return str(np.datetime64(moment, "us").astype("datetime64[s]"))
