"""Times of any writing as microseconds since 1970 UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Longs, Mask

_NOT_A_TIME = np.iinfo(np.int64).min
_LATEST = 10**17
"""In microseconds, the year 5138: a larger number is milliseconds read as seconds."""


def microseconds(column: pa.ChunkedArray, time_format: str) -> tuple[Longs, Mask, Mask]:
    """Return the times of a column, which rows cannot be read, and which are implausible."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_timestamps(column)
    if time_format in {"auto", "unix", "unix_ms"}:
        numbers = _numbers(column)
        if time_format != "auto" or 2 * np.isfinite(numbers).sum() >= len(numbers) > 0:
            return _from_numbers(numbers, 1_000 if time_format == "unix_ms" else 1_000_000)
    times = _from_text(column, "ISO8601" if time_format in {"auto", "iso"} else time_format)
    return times, times == _NOT_A_TIME, np.zeros(len(times), bool)


def _numbers(column: pa.ChunkedArray) -> AnyArray:
    """Return int64 or float64 numbers, NaN where there is none."""
    if pa.types.is_integer(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    text = column.cast(pa.string()).to_pandas()
    return np.asarray(pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64))


def _from_timestamps(column: pa.ChunkedArray) -> tuple[Longs, Mask, Mask]:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.timestamp("s"))
    unit = "ms" if pa.types.is_date64(column.type) else column.type.unit
    ticks = pc.fill_null(column.cast(pa.int64()), _NOT_A_TIME).to_numpy()
    missing = ticks == _NOT_A_TIME
    ticks = np.where(missing, 0, ticks)
    if unit == "ns":
        unit, ticks = "us", ticks // 1_000
    times, _, implausible = _from_numbers(ticks, {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])
    return times, missing, implausible


def _from_numbers(numbers: AnyArray, factor: int) -> tuple[Longs, Mask, Mask]:
    unreadable = ~np.isfinite(numbers)
    readable = np.where(unreadable, 0, numbers)
    latest = _LATEST // factor
    implausible = (readable > latest) | (readable < -latest)
    usable = np.where(implausible, 0, readable)
    if usable.dtype.kind == "f":
        usable = np.round(usable * factor)
        factor = 1
    return usable.astype(np.int64) * factor, unreadable, implausible


def _from_text(column: pa.ChunkedArray, pattern: str) -> Longs:
    text = pc.dictionary_encode(column.cast(pa.string()))
    whole = text.unify_dictionaries().combine_chunks()
    distinct = pd.Series(whole.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    parsed = pd.to_datetime(distinct, format=pattern, utc=True, errors="coerce")
    times = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    times = np.append(times, _NOT_A_TIME)  # where the last, -1, is a missing time
    codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(times[codes], np.int64)
