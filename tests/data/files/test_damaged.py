"""Damaged files and odd settings: rows come out, or an error that was raised on purpose."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.data.files.places import Places
from cfexp.data.sources import AnySource
from cfexp.errors import DataError

CASES = 40  # of each of the five kinds of damage

CSV = (
    "user,item,value,time,title\n"
    "1,a,5,978300760,Alien\n"
    '2,"b, c",3.5,978300761,"Say ""hi"""\n'
    "\n"
    ",d,1,978300762,\n"
    "2,é,0,978300763,Amélie\n"
)
ROLES = {role: role for role in ("user", "item", "value", "time", "title")}
TOKENS = [
    *(b'"', b"\n", b"\r", b"\0", b",", b",,", b"::", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\x1f"),
    *(b"-1", b"nan", b"1e999", b"9" * 30, b"2001-01-01", b"x" * 140_000, b" ", b"'", b"|", b"\t"),
]
SETTINGS: dict[str, list[Any]] = {
    "path": ["rows", "", ".", "~nobody-here/x", "x" * 5_000, "a\0b", "/", "/dev/null", "no"],
    "separator": [",", ";", "::", "\t", " ", '"', "\n", "\0", "é", "\x01", "\x1f\x1f", ""],
    "quote": ['"', "'", "", "é", "ab", ",", "\n", "\0", "a", "1"],
    "header": [True, False],
    "encoding": [
        *("utf-8", "utf-8-sig", "latin-1", "ascii", "utf-16", "utf-7", "cp037", "UTF_8", "cp1252"),
        *("hex", "rot13", "undefined", "idna", "", "é", "a\0", "nope", "punycode", "zlib"),
    ],
    "time_format": [
        *("auto", "unix", "unix_ms", "iso", "%Y", "%Y-%m-%d", "%Q", "%", "%d %d", "%W", "%H:%M"),
        *("%z", "%G", "(%Y", "%Y%", "%%", "\0%Y", "ISO8601", ""),
    ],
}
STORED = [
    pa.array([1, 2, 3]),
    pa.array([2**62, -(2**63), None]),
    pa.array([1, 2**64 - 1, None], pa.uint64()),
    pa.array([1.5, float("nan"), float("inf")]),
    pa.array([1.0, None, 70_000.0], pa.float16()),
    pa.array(["a", "", None]),
    pa.array(["5", "978300760", "7"], pa.large_string()),
    pa.array(["a", "b", None], pa.string_view()),
    pa.array(["a", "b", None]).dictionary_encode(),
    pa.array([b"a", b"\xff", None]),
    pa.array([b"a", b"\xff", None]).dictionary_encode(),
    pa.array([b"aa", b"bb", None], pa.binary(2)),
    pa.array([[1], [], None]),
    pa.array([{"x": 1}, {"x": 2}, None]),
    pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    pa.array([True, False, None]),
    pa.array([2**60, 0, None], pa.timestamp("ms")),
    pa.array([1, 2, 3], pa.timestamp("ns", "Europe/Paris")),
    pa.array([1, 2, 3], pa.timestamp("us", "No/Where")),
    pa.array([2**31 - 1, 0, -(2**31)], pa.date32()),
    pa.array([dt.time(1), None, dt.time(2)]),
    pa.array([dt.timedelta(1), None, dt.timedelta(2)]),
    pa.array([1, 2, None]).cast(pa.decimal128(38, 2)),
    pa.nulls(3),
]


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return `data` after one to three flips, cuts, insertions or repetitions."""
    for _ in range(rng.integers(1, 4)):
        start, end = sorted(int(at) for at in rng.integers(0, len(data) + 1, 2))
        match rng.integers(6):
            case 0 if data:
                at = min(start, len(data) - 1)
                data = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
            case 1:
                data = data[:start]
            case 2:
                data = data[:start] + data[end:]
            case 3:
                data = data[:start] + TOKENS[rng.integers(len(TOKENS))] + data[start:]
            case 4:
                data = data[:start] + rng.bytes(int(rng.integers(1, 9))) + data[start:]
            case _:
                data = data[:end] + data[start:]
    return data


def chosen(settings: dict[str, list[Any]], rng: np.random.Generator) -> dict[str, Any]:
    """Return a random half of the settings, each with a random value."""
    return {
        name: values[rng.integers(len(values))]
        for name, values in settings.items()
        if rng.random() < 0.5
    }


def attempt(folder: Path, recipe: dict[str, Any]) -> None:
    """Load and use the rows, or see that the recipe or the data are refused in a few words."""
    try:
        source = TypeAdapter[Any](AnySource).validate_python(recipe)
        rows = source.load(Places(folder, folder / "cache"))
    except (DataError, ValidationError) as error:
        message = str(error)
    else:
        message = f"{len(rows)} rows, {rows.fingerprint}"
    assert 0 < len(message) < 10_000  # not the data


@pytest.mark.parametrize("case", range(CASES))
def test_damaged_csv(tmp_path: Path, case: int) -> None:
    (tmp_path / "rows").write_bytes(damaged(CSV.encode(), np.random.default_rng(case)))
    attempt(tmp_path, {"kind": "csv", "path": "rows", "columns": ROLES})


@pytest.mark.parametrize("case", range(CASES))
def test_odd_csv_settings(tmp_path: Path, case: int) -> None:
    rng = np.random.default_rng(case)
    data = CSV.encode()
    (tmp_path / "rows").write_bytes(data if rng.random() < 0.5 else damaged(data, rng))
    columns = {
        role: [role, position, "nope", 99][rng.integers(4)]
        for position, role in enumerate(ROLES, 1)
        if position <= 2 or rng.random() < 0.5
    }
    attempt(tmp_path, {"kind": "csv", "path": "rows", "columns": columns} | chosen(SETTINGS, rng))


@pytest.mark.parametrize("case", range(CASES))
def test_damaged_parquet(tmp_path: Path, case: int) -> None:
    columns = {"user": [1, 2, 2], "item": ["a", "b", "é"], "value": [1.0, 2, 3], "time": [1, 2, 3]}
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written, compression=["none", "snappy"][case % 2])
    data = damaged(written.getvalue(), np.random.default_rng(case))
    (tmp_path / "rows").write_bytes(data)
    attempt(
        tmp_path, {"kind": "parquet", "path": "rows", "columns": {name: name for name in columns}}
    )


@pytest.mark.parametrize("case", range(CASES))
def test_parquet_columns_of_any_type(tmp_path: Path, case: int) -> None:
    rng = np.random.default_rng(case)
    columns = {role: STORED[rng.integers(len(STORED))] for role in ROLES}
    columns |= {role: STORED[0] for role in ("user", "item") if rng.random() < 0.5}
    pq.write_table(pa.table(columns), tmp_path / "rows")
    wanted = {role: role for role in ROLES if role in {"user", "item"} or rng.random() < 0.5}
    settings = chosen({"time_format": SETTINGS["time_format"]}, rng)
    attempt(tmp_path, {"kind": "parquet", "path": "rows", "columns": wanted} | settings)


@pytest.mark.parametrize("case", range(CASES))
def test_damaged_movielens(tmp_path: Path, case: int) -> None:
    rng = np.random.default_rng(case)
    edition, ratings, movies = [
        ("ml-100k", ("u.data", "7\t9\t4\t100\n7\t3\t5\t50\n"), ("u.item", "3|Léon|x\n9|Two|y\n")),
        ("ml-1m", ("ratings.dat", "7::9::4::100\n"), ("movies.dat", "3::Léon::A\n9::B::C\n")),
        (
            "ml-25m",
            ("ratings.csv", "userId,movieId,rating,timestamp\n7,9,4.0,100\n"),
            ("movies.csv", 'movieId,title,genres\n3,"Léon, the",A\n9,B,C\n'),
        ),
    ][case % 3]
    (tmp_path / edition).mkdir()
    which = rng.integers(2)
    for at, (name, text) in enumerate((ratings, movies)):
        data = text.encode("utf-8" if name.endswith("csv") else "latin-1")
        (tmp_path / edition / name).write_bytes(damaged(data, rng) if at == which else data)
    attempt(tmp_path, {"kind": "movielens", "edition": edition})
