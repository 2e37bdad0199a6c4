"""Sound studies on small files, and what becomes of them: a case is a folder of files."""

# ruff: noqa: PIE800 - a record in two lines

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.fuzz.files import FILES, contents
from tests.fuzz.mutations import damaged, mutated, pick, toml

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
    {"kind": "parquet", "path": "rows.parquet", "columns": _COLUMNS, "time_format": "auto"},
    {
        **{"kind": "parquet", "path": "rows.parquet", "columns": {**_COLUMNS, "part": "part"}},
        "users": {"path": "users.parquet", "id": "user"},
    },
    {"kind": "csv", "path": "rows.csv.gz", "columns": {**_COLUMNS, "part": "part"}},
    {"kind": "jsonl", "path": "rows.jsonl.zst", "columns": {**_COLUMNS, "part": "part"}},
    {"kind": "database", "url": "sqlite:///rows.db", "table": "rows", "columns": _COLUMNS},
    {"kind": "movielens", "edition": "ml-1m"},
    {"kind": "movielens", "edition": "ml-100k"},
    {"kind": "synthetic", "users": 40, "items": 30, "interactions": 600, "seed": 1},
]


def study(rng: np.random.Generator) -> dict[str, Any]:
    """Return a sound study file's document."""
    source = pick(rng, _SOURCES)
    said = "part" in source.get("columns", {})  # which rows are held out
    document: dict[str, Any] = {
        "name": "fuzzed",
        "seed": 1,
        "objectives": ["ndcg@5"],
        "metrics": ["recall@5", "coverage@5"],
        "data": source,
        "feedback": pick(
            rng, [{"duplicates": "sum"}, {"positive_from": 1.0}, {"duplicates": "last"}]
        ),
        "split": {**pick(rng, _SPLITS if said else _SPLITS[:-1]), "novel_only": True},
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
    edition = source.get("edition", "")
    table = source.get("users")
    named = [source.get("path"), table["path"] if table else None]
    named.append(source.get("url", "").rpartition("/")[2])
    name = pick(rng, [one for one in FILES if one in named or one.startswith(f"{edition}/")])
    if rng.random() < 0.2:
        document["data"] = mutated(source, rng, KEYS)
    data = contents(name, rng)
    if rng.random() < 0.7:
        data = damaged(data, rng)
    return FILES | {name: data, STUDY: toml(document)}
