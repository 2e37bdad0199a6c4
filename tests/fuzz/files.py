"""The sound data files of studies, and files of other contents."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.mutations import NUMBERS, TEXTS, damaged, pick

_STORED = [
    pa.array([1, 2, 3] * 80),
    pa.array([2**62, -(2**63), None] * 80),
    pa.array([1, 2**64 - 1, None] * 80, pa.uint64()),
    pa.array([1.5, float("nan"), float("inf")] * 80),
    pa.array(["a", "", None] * 80),
    pa.array(["a", "b", None] * 80).dictionary_encode(),
    pa.array([b"a", b"\xff", None] * 80),
    pa.array([[1], [], None] * 80),
    pa.array([{"x": 1}, {"x": 2}, None] * 80),
    pa.array([True, False, None] * 80),
    pa.array([0, 10**17, None] * 80, pa.timestamp("us")),
    pa.array([0, 1, None] * 80, pa.duration("s")),
    pa.array([None] * 240),
]
_CELLS = [
    *(one for one in NUMBERS if not isinstance(one, int) or -(2**63) <= one < 2**63),
    *(*TEXTS, None, None, b"a", b"\xff", "2024-05-01", "1714557600", 1714557600, True),
]


def _rows() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    n = 240
    items = rng.integers(0, 60, n)
    return {
        "user": rng.integers(1, 9, n).tolist(),
        "item": [f"i{item}" for item in items],
        "value": rng.integers(1, 6, n).tolist(),
        "time": (978_300_000 + rng.integers(0, 10**7, n)).tolist(),
        "title": [f'Film "{item}", é' for item in items],
        "part": [("train", "validation", "test")[place] for place in np.arange(n) * 3 // n],
    }


def _csv(columns: dict[str, list[Any]], separator: str = ",", *, head: bool = True) -> str:
    def cell(one: Any) -> str:  # noqa: ANN401
        text = str(one)
        return '"' + text.replace('"', '""') + '"' if separator == "," and '"' in text else text

    lines = [separator.join(columns)] if head else []
    lines += [separator.join(map(cell, row)) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


def _unpacked(name: str, data: bytes) -> bytes:
    if name.endswith(".zst"):
        return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()  # type: ignore[no-any-return]
    return gzip.decompress(data) if name.endswith(".gz") else data


def _packed(name: str, data: bytes) -> bytes:
    if name.endswith(".zst"):
        return pa.compress(data, codec="zstd", asbytes=True)  # type: ignore[no-any-return]
    return gzip.compress(data, 1) if name.endswith(".gz") else data


def _database(columns: dict[str, list[Any]]) -> bytes:
    """Return a file of SQLite with a table whose columns have no types."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"create table rows ({', '.join(map(json.dumps, columns))})")
        marks = ", ".join("?" * len(columns))
        rows = zip(*columns.values(), strict=True)
        connection.executemany(f"insert into rows values ({marks})", rows)  # noqa: S608 - ours
        connection.commit()
        return connection.serialize()


def _parquet(columns: dict[str, Any], **settings: Any) -> bytes:  # noqa: ANN401
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written, **settings)
    return written.getvalue()


def files() -> dict[str, bytes]:
    """Return the sound data files, by path in a case's folder."""
    rows = _rows()
    users = {"user": list(range(1, 9)), "age": [20, 30, "", 40] * 2, "country": ["DE", "FR"] * 4}
    ages = {**users, "age": [20, 30, None, 40] * 2}
    ratings = {name: rows[name] for name in ("user", "item", "value", "time")}
    ratings["item"] = [item[1:] for item in rows["item"]]
    movies = {"item": list(range(60)), "title": [f"Léon {i}" for i in range(60)], "x": ["A"] * 60}
    people = {"user": list(range(1, 9)), "sex": ["F", "M"] * 4, "age": [25] * 8, "job": [1] * 8}
    people["zip"] = ["00000"] * 8
    texts = {
        "rows.csv": _csv(rows).encode(),
        "rows.tsv": _csv(rows, "\t", head=False).encode(),
        "rows.dat": _csv(rows, "::").encode("latin-1"),
        "users.csv": _csv(users).encode(),
        "ml-1m/ratings.dat": _csv(ratings, "::", head=False).encode("latin-1"),
        "ml-1m/movies.dat": _csv(movies, "::", head=False).encode("latin-1"),
        "ml-1m/users.dat": _csv(people, "::", head=False).encode("latin-1"),
        "ml-100k/u.data": _csv(ratings, "\t", head=False).encode("latin-1"),
        "ml-100k/u.item": _csv(movies, "|", head=False).encode("latin-1"),
        "ml-100k/u.user": _csv(people, "|", head=False).encode("latin-1"),
    }
    lines = [dict(zip(rows, one, strict=True)) for one in zip(*rows.values(), strict=True)]
    texts["rows.jsonl.zst"] = _packed(".zst", "\n".join(map(json.dumps, lines)).encode())
    texts |= {"rows.csv.gz": _packed(".gz", texts["rows.csv"]), "rows.db": _database(rows)}
    return texts | {"rows.parquet": _parquet(rows), "users.parquet": _parquet(ages)}


FILES = files()


def contents(name: str, rng: np.random.Generator) -> bytes:
    """Return what a sound file holds, or with other values in some cells."""
    data = _unpacked(name, FILES[name])
    if name.endswith(".db") and rng.random() < 0.6:
        return _database(
            {role: [pick(rng, _CELLS) for _ in rows] if rng.random() < 0.3 else rows
             for role, rows in _rows().items()}
        )  # fmt: skip
    if name.endswith(".parquet") and rng.random() < 0.4:
        return _parquet(
            {role: pick(rng, _STORED) if rng.random() < 0.3 else pa.array(rows)
             for role, rows in _rows().items()},
            compression=pick(rng, ["none", "snappy", "zstd"]),
            row_group_size=int(pick(rng, [1, 7, 1000])),
        )  # fmt: skip
    if rng.random() < 0.5 and not name.endswith((".parquet", ".db")):
        data = _cells(data, rng)
    if name.endswith((".gz", ".zst")):
        return _packed(name, damaged(data, rng) if rng.random() < 0.5 else data)
    return data


def _cells(data: bytes, rng: np.random.Generator) -> bytes:
    """Return delimited text in which lines and cells were replaced, moved or repeated."""
    separator = next(one for one in (b"::", b"\t", b"|", b",") if one in data)
    lines = [line.split(separator) for line in data.split(b"\n")]
    for _ in range(rng.integers(1, 6)):
        line, other = pick(rng, lines), pick(rng, lines)
        at = int(rng.integers(len(line)))
        roll = rng.integers(6)
        if roll <= 1:
            text = str(pick(rng, [*NUMBERS[:-1], *TEXTS]))
            line[at] = text.encode("utf-8", "replace")
        elif roll == 2:
            line[at] = pick(rng, other)
        elif roll == 3:
            line[:] = line * int(rng.integers(2, 5))
        elif roll == 4:
            del line[at:]
            line.append(b"")
        else:
            lines += [list(other)] * int(rng.integers(1, 30))
    return b"\n".join(separator.join(line) for line in lines)
