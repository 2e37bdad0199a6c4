"""Which types a column may have in each role, and what the rules read them as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cfexp.data.rows.messages import clip, refuse
from cfexp.errors import DataError
from cfexp.memory import needs

if TYPE_CHECKING:
    from cfexp.data.rows.messages import Reader

_ALLOWED = {
    "user": "numbers, text, dates or truth values",
    "item": "numbers, text, dates or truth values",
    "title": "numbers, text, dates or truth values",
    "part": "text",
    "value": "numbers, or text that reads as numbers",
    "time": "timestamps, dates, numbers or text",
}

_ENCODED = {"user", "item", "title", "part"}
"""Roles whose text may stay a dictionary's."""

_VIEWS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
"""Types that Arrow cannot take out of a dictionary, and their equals that it can."""


def plain(table: pa.Table, reader: Reader) -> pa.Table:
    """Return the same roles as text, numbers or timestamps; DataError on any other type.

    Text comes out as strings, or as a dictionary of strings where it came in as one.
    """
    return pa.table({role: _plain(role, table[role], reader) for role in table.column_names})


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds strings, encoded by a dictionary or not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain(role: str, column: pa.ChunkedArray, reader: Reader) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type) and column.type.value_type in _VIEWS:
        column = _without_views(column)
    kind = column.type
    kept = is_text(kind) and role in _ENCODED
    if pa.types.is_dictionary(kind) and not (kept and kind.index_type == pa.int32()):
        column = _decoded(role, column, reader)
        kind = column.type
    if is_text(kind):
        return column
    target = _target(role, kind)
    if target is None:
        allowed = _ALLOWED.get(role, _ALLOWED["user"])
        hint = ""
        if pa.types.is_struct(kind) and len(kind):
            inner = ", ".join(repr(field.name) for field in kind)
            hint = f"; name a field of its records with a dot: {inner}"
        raise DataError(
            f"{reader.file}: the column of the {role} holds {clip(str(kind))}; it must hold "
            f"{allowed}{hint}"
        )
    if target == kind:
        return column
    try:
        return column.cast(target, safe=pa.types.is_string(target))
    except pa.ArrowException as error:
        if _is_binary(kind):
            bad = np.array([not _decodes(value) for value in column.to_pylist()])
            refuse(reader, f"the {role} must be UTF-8 text", bad, np.arange(len(bad)))
        raise DataError(f"{reader.file}: the column of the {role}: {error}") from error


def _without_views(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = _VIEWS[column.type.value_type]
    chunks = [
        pa.DictionaryArray.from_arrays(one.indices, one.dictionary.cast(kind))
        for one in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(column.type.index_type, kind))


def _decoded(role: str, column: pa.ChunkedArray, reader: Reader) -> pa.ChunkedArray:
    """Return a column without its dictionary, unless that takes more memory than there is."""
    kind = column.type.value_type
    if is_text(kind) or _is_binary(kind):
        lengths = (pc.binary_length(one.dictionary).take(one.indices) for one in column.chunks)
        size = sum(pc.sum(one.cast(pa.int64())).as_py() or 0 for one in lengths)
        needs(
            f"{reader.file}: the column of the {role}", size, "are its texts meant to be so long?"
        )
    return pa.chunked_array([chunk.dictionary_decode() for chunk in column.chunks], kind)


def _target(role: str, kind: pa.DataType) -> pa.DataType | None:
    """Return what to read `kind` as in this role; None where it has no meaning there."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    moment = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if pa.types.is_null(kind) or _is_binary(kind) or kind == pa.string_view():
        return pa.string()
    if pa.types.is_float16(kind):
        return pa.float32()
    if role == "value":
        scalar = number or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)
        return pa.float64() if scalar else None
    if number or (moment and role == "time"):
        return kind
    if role == "time":
        return pa.float64() if pa.types.is_decimal(kind) else None
    named = moment or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)
    return pa.string() if named else None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or kind == pa.binary_view()
    )


def _decodes(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
