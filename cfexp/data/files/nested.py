"""Columns inside of columns: a field of a record is named with a dot, such as "user.id"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cfexp.data.rows.messages import clip, positions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_DEEPEST = 8


def paths(file: Path, roles: Mapping[str, int | str], schema: pa.Schema) -> dict[str, list[str]]:
    """Return for each role the column and, in a record, the fields that lead to it."""
    found = [[name] for name in schema.names]
    for field in schema:
        found += _inner([field.name], field.type)
    names = [".".join(path) for path in found]
    numbers = {role: column for role, column in roles.items() if isinstance(column, int)}
    positions(file, numbers, schema.names)  # only what stands side by side is counted
    return {role: found[place] for role, place in positions(file, roles, names).items()}


def _inner(path: list[str], kind: pa.DataType) -> Iterator[list[str]]:
    if pa.types.is_struct(kind) and len(path) < _DEEPEST:
        for field in kind:
            yield [*path, field.name]
            yield from _inner([*path, field.name], field.type)


def kind_at(schema: pa.Schema, path: Sequence[str]) -> pa.DataType:
    """Return the type of a column, or of the field of its records."""
    first, *fields = path
    kind = schema.field(first).type
    for name in fields:
        kind = kind.field(name).type
    return kind


def schema_of(kinds: Mapping[tuple[str, ...], pa.DataType]) -> pa.Schema:
    """Return the schema of the types at these paths, where records have no other fields."""
    tree: dict[str, Any] = {}
    # a whole record last: it has the fields that other roles want of it as well
    for path in sorted(kinds, key=len, reverse=True):
        *outer, last = path
        inside = tree
        for name in outer:
            inside = inside.setdefault(name, {})
        inside[last] = kinds[path]
    return pa.schema(_fields(tree))


def _fields(tree: Mapping[str, Any]) -> list[pa.Field]:
    return [
        pa.field(name, pa.struct(_fields(kind)) if isinstance(kind, dict) else kind)
        for name, kind in tree.items()
    ]


def column(table: pa.Table, path: list[str]) -> pa.ChunkedArray:
    """Return the column, or the field of its records; missing where a record is."""
    first, *fields = path
    return pc.struct_field(table[first], fields) if fields else table[first]


def shown(table: pa.Table, rows: Sequence[int]) -> list[str]:
    """Return one line per row position: its number from 1 and what was read of it."""
    return [
        f"row {row + 1}: "
        + ", ".join(f"{role} {_shown(table[role][row])}" for role in table.column_names)
        for row in rows
    ]


def _shown(scalar: Any) -> str:  # noqa: ANN401 - pyarrow has no types
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError):  # such as a year that Python's dates do not have
        return f"(a {scalar.type} out of range)"
    return clip(str(value) if hasattr(value, "isoformat") else repr(value))
