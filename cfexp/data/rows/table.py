"""From a table of columns as read to checked `Interactions`: ids, values, times and the rest.

The file formats bring an Arrow table whose columns are named by role (user, item,
value, time, title, part) and a way to show rows in messages; the rules are here, once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cfexp.data.interactions import PARTS, Interactions
from cfexp.data.rows.columns import UNIX
from cfexp.data.rows.kinds import is_text, plain
from cfexp.data.rows.lookalikes import lookalikes
from cfexp.data.rows.messages import refuse
from cfexp.data.rows.row_order import in_order
from cfexp.data.rows.times import microseconds, writings
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Longs
    from cfexp.data.rows.columns import MissingValues
    from cfexp.data.rows.messages import Reader

INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
"""An integer as Python would print it."""


def interactions(
    table: pa.Table,
    time_format: str,
    reader: Reader,
    missing_values: MissingValues = "refuse",
    *,
    signed: bool = False,
    ordered: bool = True,
) -> Interactions:
    """Return the rows of `table`, without those that lack an id; DataError on a bad row.

    Rows whose value is missing are bad, or left out and counted likewise. Negative values
    are bad unless `signed`. Rows whose order means nothing (`ordered` is False) are put in
    that of time, user, item, value and part, and of an item's titles the first in order of
    the alphabet is kept, so that the same rows in any order are the same interactions.
    """
    n_rows = table.num_rows
    table = plain(table, reader)
    user, user_ids = encoded(table["user"])
    item, item_ids = encoded(table["item"])
    whole = (user >= 0) & (item >= 0)
    dropped = {
        "user missing": int((user < 0).sum()),
        "item missing": int(((item < 0) & (user >= 0)).sum()),
    }
    if missing_values == "drop" and "value" in table.column_names:
        empty = table["value"].is_null(nan_is_null=True).to_numpy()
        dropped["value missing"] = int((whole & empty).sum())
        whole &= ~empty
    kept = np.flatnonzero(whole)
    dropped = {rule: count for rule, count in dropped.items() if count}
    if len(kept) == 0:
        counts = ", ".join(f"{rule}: {count}" for rule, count in dropped.items())
        raise DataError(
            f"{reader.file}: no rows left of {n_rows} read" + (f" ({counts})" if counts else "")
        )
    if len(kept) < n_rows:
        table = table.take(pa.array(kept))
    for role, codes, ids in (("user", user, user_ids), ("item", item, item_ids)):
        _refuse_ids(role, codes[kept], ids, kept, reader)
    users, user = vocabulary(user[kept], user_ids)
    items, item = vocabulary(item[kept], item_ids)
    notes = [*lookalikes("users", users), *lookalikes("items", items)]
    rows = Interactions(
        user=user,
        item=item,
        value=_values(table, kept, reader, signed=signed),
        time=_times(table, time_format, kept, reader, notes),
        row=kept,
        users=users,
        items=items,
        titles=_titles(table, item, len(items), ordered=ordered),
        dropped=dropped,
        part=_parts(table, kept, reader),
        notes=tuple(notes),
    )
    return rows if ordered else in_order(rows)


def encoded(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Return each row's position among the distinct ids, -1 where there is none."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    whole = column.unify_dictionaries().combine_chunks()
    ids = whole.dictionary
    codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    if pa.types.is_floating(ids.type):
        missing = pc.is_nan(ids)
    elif is_text(ids.type):
        missing = pc.equal(ids, "")
    else:
        return codes, ids
    missing = np.append(pc.fill_null(missing, fill_value=True).to_numpy(zero_copy_only=False), True)
    return np.where(missing[codes], np.int32(-1), codes), ids


def vocabulary(codes: Codes, ids: pa.Array) -> tuple[Vocabulary, Codes]:
    """Return the vocabulary of the ids in use, and the rows' codes in it."""
    used = np.bincount(codes, minlength=len(ids)) > 0
    known, sorted_codes = Vocabulary.of(_identities(ids.filter(pa.array(used))))
    new = np.full(len(ids), -1, np.int32)
    new[used] = sorted_codes
    return known, new[codes]


def _refuse_ids(role: str, codes: Codes, ids: pa.Array, kept: Longs, reader: Reader) -> None:
    """Raise DataError for ids that would be taken for others, or kept as others."""
    if pa.types.is_floating(ids.type):
        numbers = ids.to_numpy(zero_copy_only=False)
        bits = np.finfo(numbers.dtype).nmant + 1
        bad = ~(np.abs(numbers) < 2**bits)
        rule = (
            f"the {role}, stored as a floating-point number, must be below 2^{bits}, up to which "
            "whole numbers are told apart; store ids as integers or text"
        )
    elif is_text(ids.type):
        found = pc.match_substring(ids, "\0")
        bad = pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False)
        rule = f"the {role} must have no NUL characters"
    else:
        return
    if bad.any():
        refuse(reader, rule, bad[codes], kept)


def _identities(ids: pa.Array) -> AnyArray:
    """Return distinct ids as int64 where all are whole numbers, else as text."""
    if pa.types.is_floating(ids.type):
        numbers = ids.to_numpy(zero_copy_only=False)
        if (numbers == np.round(numbers)).all():
            return np.asarray(numbers, np.int64)
    if pa.types.is_integer(ids.type) and ids.type != pa.uint64():
        return np.asarray(ids.cast(pa.int64()).to_numpy())
    text = ids.cast(pa.string())
    if pc.all(pc.match_substring_regex(text, INTEGER)).as_py():
        return np.asarray(text.cast(pa.int64()).to_numpy())
    return np.asarray(text.to_numpy(zero_copy_only=False))


def _values(table: pa.Table, kept: Longs, reader: Reader, *, signed: bool) -> AnyArray:
    if "value" not in table.column_names:
        return np.ones(len(kept), np.float32)
    column = table["value"]
    if is_text(column.type):
        import pandas as pd

        numbers = pd.to_numeric(column.to_pandas().astype("str"), errors="coerce").to_numpy()
    else:
        numbers = column.to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(numbers, np.float32)
        bad = ~np.isfinite(values)
    if signed:
        refuse(reader, "values must be numbers, and finite", bad, kept)
        return values
    negative = values < 0
    hint = "; [[clean]] kind = 'values', above = 0 drops them" if negative.any() else ""
    rule = f"values must be numbers, finite and not negative{hint}"
    refuse(reader, rule, bad | negative, kept)
    return values


def _times(
    table: pa.Table, time_format: str, kept: Longs, reader: Reader, notes: list[str]
) -> Longs | None:
    if "time" not in table.column_names:
        return None
    column = table["time"]
    times, unreadable, implausible, unit, dates = microseconds(column, time_format)
    rule = f"times must be readable under time_format = {time_format!r} and not missing"
    if time_format == "auto" and unreadable.any() and not pa.types.is_temporal(column.type):
        rule += f" ({writings(column)}; a column has one way of writing)"
    refuse(reader, rule, unreadable, kept)
    if time_format == "auto" and unit is not None:
        words = UNIX[unit]
        if dates is not None:
            example = datetime(2024, 5, 1, 12, tzinfo=UTC).strftime(dates)
            rule = (
                f"times must be told from dates: most are numbers such as {example}; write "
                f"time_format = {dates!r} for dates, {unit!r} for {words} since 1970"
            )
            refuse(reader, rule, np.ones(len(times), bool), kept)
        rule = f"times must be numbers of one unit; most are {words} since 1970 by their size"
        refuse(reader, rule, implausible, kept)
        if unit != "unix":
            notes.append(
                f"times are read as {words} since 1970, by their size; time_format = {unit!r} "
                "says so"
            )
    finer = "'auto'" if time_format in UNIX else "'unix' or 'iso'"
    hint = "" if pa.types.is_temporal(column.type) else f"; did you mean time_format = {finer}?"
    refuse(
        reader,
        f"times must lie before the year 5138 under time_format = {time_format!r}{hint}",
        implausible,
        kept,
    )
    return times


def _parts(table: pa.Table, kept: Longs, reader: Reader) -> Codes | None:
    """Return each row's place in `PARTS`, or None where the source says nothing of it."""
    if "part" not in table.column_names:
        return None
    codes, names = encoded(table["part"])
    known = {name: place for place, name in enumerate(PARTS)}
    places = np.array([*(known.get(str(name), -1) for name in names.to_pylist()), -1], np.int32)
    parts: Codes = places[codes]
    refuse(reader, f"the part of a row must be one of {', '.join(PARTS)}", parts < 0, kept)
    return parts


def _titles(table: pa.Table, item: Codes, n_items: int, *, ordered: bool = True) -> AnyArray | None:
    """Return each item's first title that is not empty, or first by alphabet; else ""."""
    if "title" not in table.column_names:
        return None
    codes, titles = encoded(table["title"])
    text = titles.cast(pa.string()).to_numpy(zero_copy_only=False)
    titled = np.flatnonzero(codes >= 0)
    if not ordered:
        place = np.empty(len(text), np.int64)
        place[np.argsort(text)] = np.arange(len(text))
        titled = titled[np.argsort(place[codes[titled]], kind="stable")]
    items, first = np.unique(item[titled], return_index=True)
    found = np.full(n_items, "", object)
    found[items] = text[codes[titled[first]]]
    return found
