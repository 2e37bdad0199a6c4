"""The `jsonl` source: a JSON object on every line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from cfexp.data.files.table_file import TableFile
from cfexp.data.rows.messages import clip
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    import pyarrow as pa


class JsonLines(TableFile):
    """Rows of JSON lines, plain or compressed; rows without a user or an item are dropped.

    A field of an inner object is named with a dot ("user.id"). A field that a line lacks, or
    that is null, is missing. Ids of one field are all numbers or all text.
    """

    kind: Literal["jsonl"] = "jsonl"

    @model_validator(mode="after")
    def _named(self) -> Self:
        numbered = [one for one in self.columns.roles().values() if isinstance(one, int)]
        if numbered:
            raise ValueError(f"fields of JSON are named; they have no position: {numbered}")
        return self

    def reader(self, file: Path) -> JsonLinesReader:
        return JsonLinesReader(file)


_BLOCK = 1 << 22
"""Bytes that are parsed at once: no line may be longer."""


class JsonLinesReader:
    """Reads the fields of one file, and shows its lines in messages."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""
        import pyarrow as pa

        from cfexp.data.files.nested import column, kind_at, paths, schema_of

        try:
            known = self._schema(roles)
            try:
                at = paths(self.file, roles, known)
            except DataError:  # a field may occur later for the first time
                known = self._parse(None).schema
                at = paths(self.file, roles, known)
            kinds = {tuple(path): kind_at(known, path) for path in at.values()}
            texts = {tuple(path) for role, path in at.items() if role != "time"}
            for path, kind in kinds.items():
                if path in texts and pa.types.is_timestamp(kind):
                    kinds[path] = pa.string()  # what looks like a moment, but is an id
                elif [*path] == at.get("value") and pa.types.is_integer(kind):
                    kinds[path] = pa.float64()  # 1.5 may follow
            try:
                table = self._parse(schema_of(kinds))
            except pa.ArrowInvalid:  # later lines hold other types, such as 1.5 after 1
                named = {path: kinds[path] for path in texts if kinds[path] == pa.string()}
                table = self._parse(schema_of(named), others="infer")
            if table.num_rows != sum(1 for _ in self._lines()):
                raise self._explained(ValueError("a line holds several objects"))
            return pa.table({role: column(table, path) for role, path in at.items()})
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:  # of a value, of a field's name
            raise self._explained(error) from error
        except KeyError as error:
            raise DataError(f"{self.file}: no line has the field {error}") from error
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror or error}") from error

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: its line number and text."""
        wanted, shown = set(rows), []
        for row, (number, line) in enumerate(self._lines()):
            if row in wanted:
                shown.append(f"line {number}: {line.decode(errors='replace')}")
                if len(shown) == len(wanted):
                    break
        return shown

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        from cfexp.data.files.compression import opened

        with opened(self.file) as stream:
            for number, line in enumerate(stream, 1):
                if text := line.strip():
                    yield number, text

    def _schema(self, roles: Mapping[str, int | str]) -> pa.Schema:
        """Return the fields of the first lines; those that nobody asks for may be of any types."""
        import pyarrow as pa

        head, size = [], 0
        for _, line in self._lines():
            head.append(line)
            size += len(line)
            if size > _BLOCK // 4:
                break
        if not head:
            raise DataError(f"{self.file}: the file is empty")
        try:
            return _inferred(head)
        except pa.ArrowInvalid as error:
            names = set(map(str, roles.values()))
            try:
                return _inferred([_only(line, names) for line in head])
            except pa.ArrowInvalid:
                raise
            except (ValueError, AttributeError, RecursionError):  # no JSON, or no object
                raise error from None

    def _parse(self, schema: pa.Schema | None, others: str = "ignore") -> pa.Table:
        """Return the fields of a schema, None for all; `others` may be inferred as well."""
        import pyarrow as pa
        import pyarrow.json as pa_json

        from cfexp.data.files.compression import opened

        others = "infer" if schema is None else others
        with opened(self.file) as stream:
            table = pa_json.read_json(
                pa.PythonFile(stream, "r"),
                pa_json.ReadOptions(block_size=_BLOCK),
                pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=others),
            )
        table.validate(full=True)  # JSON is UTF-8
        return table

    def _explained(self, error: Exception) -> DataError:
        """Return an error that names the first line at fault, where one alone is."""
        reason = str(error).removeprefix("JSON parse error: ").partition(" in row")[0]
        found_in = re.match(r"Column\(/(.*?)\)", reason)
        path = found_in[1].split("/") if found_in else []
        kinds: set[type] = set()
        for number, line in self._lines():
            if len(line) > _BLOCK:
                return DataError(
                    f"{self.file}: line {number} is longer than {_BLOCK >> 20} MiB; "
                    "is it not one object per line?"
                )
            try:
                found = json.loads(line.decode(), object_pairs_hook=_fields)
                if not isinstance(found, dict):
                    raise ValueError("it is no object")  # noqa: TRY301, TRY004 - one way out
                json.dumps(found, ensure_ascii=False).encode()  # half characters are no text
                kinds |= _kind(found, path)
                if len(kinds) > 1:
                    raise ValueError(f"{'.'.join(path)!r} has another type before")  # noqa: TRY301
            except (ValueError, RecursionError) as problem:
                text = clip(line.decode(errors="replace"))
                rule = "every line must be a JSON object"
                if len(kinds) > 1:
                    rule = (
                        "every field must hold one type on all lines, such as numbers or text alone"
                    )
                elif isinstance(problem, UnicodeDecodeError):
                    rule = "every line must be a JSON object in UTF-8"
                return DataError(
                    f"{self.file}: {rule}; line {number} is not ({problem}):\n  {text}"
                )
        return DataError(f"{self.file}: cannot be read as JSON: {reason}")


def _inferred(lines: Sequence[bytes]) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.json as pa_json

    text = b"\n".join(lines) + b"\n"
    return pa_json.read_json(
        pa.BufferReader(text), pa_json.ReadOptions(block_size=len(text) + 1)
    ).schema


def _only(line: bytes, names: set[str]) -> bytes:
    """Return an object with nothing in the fields that none of `names` is, or is in."""
    wanted = names | {name.partition(".")[0] for name in names}
    found = json.loads(line).items()
    return json.dumps({name: one if name in wanted else None for name, one in found}).encode()


def _kind(found: Any, path: Sequence[str]) -> set[type]:  # noqa: ANN401 - JSON
    """Return the type of what stands at `path`, nothing where nothing does."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return {float if type(found) is int else type(found)} - {type(None)} if path else set()


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; ValueError where a field occurs twice, whose value nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {clip(repr(twice))} occurs twice")
    return found
