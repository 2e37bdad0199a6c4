"""Sound studies on small files, and what becomes of them: a case is a folder of files."""

# ruff: noqa: PIE800 - a record in two lines

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz import packed, published
from tests.fuzz.mutations import NUMBERS, TEXTS, damaged, mutated, pick, toml

STUDY = "study.toml"
ROLES = ("user", "item", "value", "time", "title")
_ALS = {"kind": "als", "epochs": 3, "factors": 8}
_SPACE = {
    "alpha": {"kind": "float", "low": 0.1, "high": 40.0, "log": True},
    "factors": {"kind": "int", "low": 4, "high": 16, "step": 4},
    "solver": {"kind": "choice", "values": ["cg", "cholesky"]},
}
_SPLITS: list[dict[str, Any]] = [
    {"kind": "per_user_last", "test": 2, "validation": 1, "folds": 2},
    {"kind": "per_user_fraction", "test": 0.2, "validation": 0.2, "min_user": 2},
    {"kind": "leave_one_out", "cold_items": "drop"},
    {"kind": "random_per_user", "test": 2, "validation": 1, "seed": 3},
    {"kind": "by_time", "test": 30, "validation": 30, "since": "2001-01-01"},
    {"kind": "by_user", "test": 0.2, "validation": 0.2},
    {"kind": "predefined"},
]
_COLUMNS = {role: role for role in ROLES}
_SOURCES: list[dict[str, Any]] = [
    {"kind": "csv", "path": "rows.csv", "columns": _COLUMNS, "missing_values": "drop"},
    {
        **{"kind": "csv", "path": "rows.tsv", "columns": {"user": 1, "item": 2, "time": 4}},
        **{"separator": "\t", "quote": "", "header": False, "time_format": "unix"},
    },
    {
        "kind": "csv",
        "path": "rows.dat",
        "columns": _COLUMNS,
        "separator": "::",
        "encoding": "latin-1",
    },
    {
        **{"kind": "csv", "path": "rows.csv", "columns": {**_COLUMNS, "part": "part"}},
        "users": {"path": "users.csv", "id": "user", "columns": {"age": "age", "country": 3}},
    },
    *packed.SOURCES,
    {"kind": "parquet", "path": "rows.parquet", "columns": _COLUMNS, "time_format": "auto"},
    {
        **{"kind": "parquet", "path": "rows.parquet", "columns": {**_COLUMNS, "part": "part"}},
        "users": {"path": "users.parquet", "id": "user"},
    },
    *published.PUBLIC,
    {"kind": "synthetic", "users": 40, "items": 30, "interactions": 600, "seed": 1},
]
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
        **packed.files(rows, _csv(rows).encode()),
        "ml-1m/ratings.dat": _csv(ratings, "::", head=False).encode("latin-1"),
        "ml-1m/movies.dat": _csv(movies, "::", head=False).encode("latin-1"),
        "ml-1m/users.dat": _csv(people, "::", head=False).encode("latin-1"),
        "ml-100k/u.data": _csv(ratings, "\t", head=False).encode("latin-1"),
        "ml-100k/u.item": _csv(movies, "|", head=False).encode("latin-1"),
        "ml-100k/u.user": _csv(people, "|", head=False).encode("latin-1"),
    }
    texts |= published.files(rows)
    return texts | {"rows.parquet": _parquet(rows), "users.parquet": _parquet(ages)}


FILES = files()


def study(rng: np.random.Generator) -> dict[str, Any]:
    """Return a sound study file's document."""
    source = pick(rng, _SOURCES)
    folder = published.folder_of(source)
    said = "part" in source.get("columns", {}) or folder in published.PARTED
    splits = _SPLITS if said else _SPLITS[:-1]
    if folder in published.TIMELESS:
        splits = [one for one in splits if one["kind"] in {"random_per_user", "predefined"}]
    document: dict[str, Any] = {
        "name": "fuzzed",
        "seed": 1,
        "objectives": ["ndcg@5"],
        "metrics": ["recall@5", "coverage@5"],
        "data": source,
        "feedback": pick(
            rng, [{"duplicates": "sum"}, {"positive_from": 1.0}, {"duplicates": "last"}]
        ),
        "split": {**pick(rng, splits), "novel_only": True},
        "search": {"trials": 4, "sampler": {"kind": pick(rng, ["tpe", "random", "grid"])}},
        "finals": {"configurations": 1, "seeds": 2},
        "models": [{"model": _ALS, "space": _SPACE, "start": [{"alpha": 1.0}]}],
        "baselines": [{"model": {"kind": kind}} for kind in ("popularity", "item_knn", "ease")],
        "buckets": [{"metric": "recall@5", "by": "train_positives", "edges": [3, 9]}],
    }
    if isinstance(source.get("users"), dict):
        document["buckets"].append({"metric": "recall@5", "by": "country", "values": ["DE"]})
    document = json.loads(json.dumps(document))  # nothing in it is shared
    if document["search"]["sampler"]["kind"] == "grid":
        del document["models"][0]["start"], document["models"][0]["space"]["alpha"]
    return document


def _keys() -> list[str]:
    rng = np.random.default_rng(0)
    found: set[str] = {"by", "share", "mask", "pruner", "patience", "folds", "until", "description"}
    todo: list[Any] = [*(study(rng) for _ in range(40)), *_SPLITS, *_SOURCES]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            found |= set(one)
        todo += [its for its in (one.values() if isinstance(one, dict) else one)
                 if isinstance(its, dict | list)]  # fmt: skip
    return sorted(found)


KEYS = _keys()


def study_case(rng: np.random.Generator) -> dict[str, bytes]:
    """Return a mutated study file among sound data files."""
    document = study(rng)
    if rng.random() < 0.8:
        document = mutated(document, rng, KEYS)
    text = toml(document)
    return FILES | {STUDY: damaged(text, rng) if rng.random() < 0.3 else text}


def data_case(rng: np.random.Generator) -> dict[str, bytes]:
    """Return a sound study file among data files one of which, one it reads, is mutated."""
    document = study(rng)
    while document["data"]["kind"] == "synthetic":
        document = study(rng)
    source = document["data"]
    folder = published.folder_of(source)
    table = source.get("users")
    named = [source.get("path"), table["path"] if table else None]
    named.append(source.get("url", "").rpartition("/")[2])
    name = pick(rng, [one for one in FILES if one in named or one.startswith(f"{folder}/")])
    if rng.random() < 0.2:
        document["data"] = mutated(source, rng, KEYS)
    data = FILES[name]
    if name.endswith((".gz", ".zst", ".db")) and rng.random() < 0.6:
        data = packed.other(name, data, _rows(), rng, _cells)
    elif name.endswith(".parquet") and rng.random() < 0.4:
        data = _parquet(
            {role: pick(rng, _STORED) if rng.random() < 0.3 else pa.array(rows)
             for role, rows in _rows().items()},
            compression=pick(rng, ["none", "snappy", "zstd"]),
            row_group_size=int(pick(rng, [1, 7, 1000])),
        )  # fmt: skip
    elif rng.random() < 0.5 and not name.endswith((".parquet", ".gz", ".zst", ".db")):
        data = _cells(data, rng)
    if rng.random() < 0.7:
        data = damaged(data, rng)
    return FILES | {name: data, STUDY: toml(document)}


def _cells(data: bytes, rng: np.random.Generator) -> bytes:
    """Return delimited text in which lines and cells were replaced, moved or repeated."""
    separator = next(one for one in (b"<SEP>", b"::", b"\t", b"|", b",", b" ") if one in data)
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
