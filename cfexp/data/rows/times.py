"""Times of any writing as microseconds since 1970 UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cfexp.data.rows.columns import UNIX

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Longs, Mask

_NOT_A_TIME = np.iinfo(np.int64).min
_LATEST = 10**11
"""In seconds, the year 5138: a larger number has another unit."""
_YEARS = 1900, 2100
"""Of dates that are written as one number."""
_DATES = {
    4: "%Y",
    6: "%Y%m",
    8: "%Y%m%d",
    10: "%Y%m%d%H",
    12: "%Y%m%d%H%M",
    14: "%Y%m%d%H%M%S",
}
"""How they are written, by their number of digits."""
_FIELDS = (1, 12), (1, 31), (0, 23), (0, 59), (0, 59)
"""The least and the most month, day, hour, minute and second."""
_COMMON = {4, 6, 10}
"""Digits that other times have as well: of these all must be dates, of the others most."""
_PER_SECOND = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}


class Times(NamedTuple):
    """The times of a column, which rows cannot be read, and which are implausible.

    `unit` is the time format that numbers were read by, where they were; `dates` that of
    calendar dates, where the numbers look like these.
    """

    times: Longs
    unreadable: Mask
    implausible: Mask
    unit: str | None = None
    dates: str | None = None


def microseconds(column: pa.ChunkedArray, time_format: str) -> Times:
    """Return the times of a column that is written in `time_format`."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_timestamps(column)
    if time_format in {"auto", *UNIX}:
        numbers = _numbers(column)
        if time_format in UNIX:
            return _from_numbers(numbers, time_format)
        if 2 * np.isfinite(numbers).sum() >= len(numbers) > 0:
            return _from_any_numbers(numbers)._replace(dates=_calendar(numbers))
    times = _from_text(column, "ISO8601" if time_format in {"auto", "iso"} else time_format)
    unreadable = times == _NOT_A_TIME
    if time_format == "auto":
        unreadable |= np.isfinite(numbers)  # among dates, 1612 is no year
    return Times(times, unreadable, np.zeros(len(times), bool))


def _calendar(numbers: AnyArray) -> str | None:
    """Return the time format of numbers such as 20240501 for a day in May, None for others."""
    for digits, pattern in _DATES.items():
        first, end = (year * 10 ** (digits - 4) for year in _YEARS)
        rest = numbers[(numbers >= first) & (numbers < end)].astype(np.int64)
        needed = len(numbers) if digits in _COMMON else len(numbers) // 2 + 1
        if len(rest) < needed:
            continue
        dates = np.ones(len(rest), bool)
        for least, most in reversed(_FIELDS[: (digits - 4) // 2]):
            dates &= (rest % 100 >= least) & (rest % 100 <= most)
            rest //= 100
        if np.count_nonzero(dates) >= needed:
            return pattern
    return None


def writings(column: pa.ChunkedArray) -> str:
    """Return how many times of a column are numbers, ISO dates, missing or neither, in words."""
    missing = column.is_null().to_numpy()
    number = np.isfinite(_numbers(column))
    iso = ~number & (_from_text(column, "ISO8601") != _NOT_A_TIME)
    counts = {"numbers": number.sum(), "ISO dates": iso.sum(), "missing": missing.sum()}
    counts["neither"] = (~number & ~iso & ~missing).sum()
    return ", ".join(f"{count:,} are {what}" for what, count in counts.items() if count)


def _numbers(column: pa.ChunkedArray) -> AnyArray:
    """Return int64 or float64 numbers, NaN where there is none."""
    if pa.types.is_integer(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    text = column.cast(pa.string()).to_pandas()
    return np.asarray(pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64))


def _from_timestamps(column: pa.ChunkedArray) -> Times:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.timestamp("s"))
    unit = "ms" if pa.types.is_date64(column.type) else column.type.unit
    ticks = pc.fill_null(column.cast(pa.int64()), _NOT_A_TIME).to_numpy()
    missing = ticks == _NOT_A_TIME
    found = _from_numbers(np.where(missing, 0, ticks), "unix" if unit == "s" else f"unix_{unit}")
    return Times(found.times, missing, found.implausible)


def _from_any_numbers(numbers: AnyArray) -> Times:
    """Read numbers in the unit that most of them have by their size; others are implausible."""
    finite = np.isfinite(numbers)
    size = np.where(finite, numbers, 0).astype(np.float64)
    np.abs(size, out=size)
    bounds = [_LATEST * factor for factor in (1, 1_000, 1_000_000)]
    if size.max() < bounds[0]:
        return _from_numbers(numbers, "unix")
    group = np.searchsorted(bounds, size, side="right").astype(np.int8)
    most = int(np.bincount(group[finite], minlength=4).argmax())
    found = _from_numbers(numbers, list(UNIX)[most])
    return found._replace(implausible=found.implausible | (finite & (group != most)))


def _from_numbers(numbers: AnyArray, unit: str) -> Times:
    unreadable = ~np.isfinite(numbers)
    readable = np.where(unreadable, 0, numbers)
    latest = _LATEST * _PER_SECOND[unit]
    latest = min(latest, np.iinfo(np.int64).max)
    implausible = (readable > latest) | (readable < -latest)
    usable = np.where(implausible, 0, readable)
    factor = 1_000_000 / _PER_SECOND[unit]
    if usable.dtype.kind == "f":
        times = np.round(usable * factor).astype(np.int64)
    elif factor >= 1:
        times = usable.astype(np.int64) * int(factor)
    else:
        times = usable.astype(np.int64) // 1_000
    return Times(times, unreadable, implausible, unit)


def _from_text(column: pa.ChunkedArray, pattern: str) -> Longs:
    text = pc.dictionary_encode(column.cast(pa.string()))
    whole = text.unify_dictionaries().combine_chunks()
    distinct = pd.Series(whole.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    parsed = pd.to_datetime(distinct, format=pattern, utc=True, errors="coerce")
    times = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    times = np.append(times, _NOT_A_TIME)  # where the last, -1, is a missing time
    codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(times[codes], np.int64)
