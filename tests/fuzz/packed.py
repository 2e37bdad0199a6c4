"""Data files that are packed: text under gzip and zstd, rows in a file of SQLite."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.fuzz.mutations import NUMBERS, TEXTS, damaged, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

ROLES = {role: role for role in ("user", "item", "value", "time", "title")}
SOURCES: list[dict[str, Any]] = [
    {"kind": "csv", "path": "rows.csv.gz", "columns": ROLES | {"part": "part"}},
    {"kind": "jsonl", "path": "rows.jsonl.zst", "columns": ROLES | {"part": "part"}},
    {"kind": "database", "url": "sqlite:///rows.db", "table": "rows", "columns": ROLES},
]
_CELLS = [
    *(one for one in NUMBERS if not isinstance(one, int) or -(2**63) <= one < 2**63),
    *(*TEXTS, None, None, b"a", b"\xff", "2024-05-01", "1714557600", 1714557600, True),
]


def files(rows: Mapping[str, list[Any]], csv: bytes) -> dict[str, bytes]:
    """Return the sound files of these rows, which are also given as text."""
    lines = [dict(zip(rows, one, strict=True)) for one in zip(*rows.values(), strict=True)]
    text = "\n".join(map(json.dumps, lines)).encode()
    return {
        "rows.csv.gz": gzip.compress(csv),
        "rows.jsonl.zst": pa.compress(text, codec="zstd", asbytes=True),
        "rows.db": _database(rows),
    }


def other(
    name: str,
    data: bytes,
    rows: Mapping[str, list[Any]],
    rng: np.random.Generator,
    cells: Callable[[bytes, np.random.Generator], bytes],
) -> bytes:
    """Return a file of other contents: `cells` changes those of a text."""
    if name.endswith(".db"):
        random = {role: [pick(rng, _CELLS) for _ in one] for role, one in rows.items()}
        return _database({role: (random if rng.random() < 0.3 else rows)[role] for role in rows})
    change = pick(rng, [cells, damaged])
    if name.endswith(".gz"):
        return gzip.compress(change(gzip.decompress(data), rng))
    text: bytes = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    packed: bytes = pa.compress(change(text, rng), codec="zstd", asbytes=True)
    return packed


def _database(columns: Mapping[str, list[Any]]) -> bytes:
    """Return a file of SQLite with a table whose columns have no types."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"create table rows ({', '.join(map(json.dumps, columns))})")
        marks = ", ".join("?" * len(columns))
        rows = zip(*columns.values(), strict=True)
        connection.executemany(f"insert into rows values ({marks})", rows)  # noqa: S608 - ours
        connection.commit()
        return connection.serialize()
