"""Study files and data files from strangers: clear errors, in bounded time and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from cfexp import load_study, memory
from cfexp.data.files.places import Places
from cfexp.data.sources import AnySource
from cfexp.errors import DataError, InputError, StudyFileError

ROOT = Path(__file__).parents[2]
STUDY = """name = "x"
[data]
kind = "synthetic"
[split]
kind = "per_user_last"
[[baselines]]
model = { kind = "popularity" }
"""
COLUMNS = {"user": "user", "item": "item"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 1e400\n", "seed: input should be a valid integer"),
        ("seed = nan\n", "seed: input should be a valid integer"),
        ("seed = 1" + "0" * 1000 + "\n", "seed: whole numbers must lie within 64 bits"),
        ("seed = 0x" + "f" * 9000 + "\n", "seed: whole numbers must lie within 64 bits"),
        ("seed = " + "9" * 5000 + "\n", "whole numbers must lie within 64 bits"),
        ("metrics = " + "[" * 3000 + "]" * 3000 + "\n", "nested too deeply"),
        ("metrics = " + "[" * 400 + "]" * 400 + "\n", "recursion limit"),
        ("a." * 20_000 + "b = 1\n", "a dotted key has at most 50 parts"),
        ('"a" . ' * 20_000 + "b = 1\n", "a dotted key has at most 50 parts"),
        ("".join(f"k{n} = 1\n" for n in range(3000)), "and 2,900 more"),
        ("".join(f"k{n} = 1\n" for n in range(100_000)) + "#" * 10**6, "at most 1,048,576 bytes"),
        ('name = "y"\n', "Cannot overwrite a value"),
        ("description = '\x1b[31m'\n", "not valid TOML"),
    ],
)
def test_crafted_study_files(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text + STUDY)
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        load_study(tmp_path / "x.toml")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 50_000
    assert time.monotonic() - began < 20
    assert [file.name for file in tmp_path.iterdir()] == ["x.toml"]


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "..", ".hidden", "", "a\\u0000b", "a\\nb", "\\u001b[31m", "é", "a\\u202eb",
     "x" * 81, "-rf", "~", "'; DROP TABLE studies; --", "\uff41"],
)  # fmt: skip
def test_names_that_are_no_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(STUDY.replace('"x"', f'"{name}"'))
    with pytest.raises(StudyFileError, match="  name: string should"):
        load_study(tmp_path / "x.toml")


def test_a_huge_edge_is_a_mistake(tmp_path: Path) -> None:
    """The fuzzer found it."""
    edges = f'[[buckets]]\nmetric = "recall@5"\nby = "train_positives"\nedges = [3, 1{"0" * 400}]\n'
    (tmp_path / "x.toml").write_text(STUDY + edges)
    with pytest.raises(StudyFileError, match=r"buckets\[0\]\.edges\[1\]: whole numbers must"):
        load_study(tmp_path / "x.toml")


def test_what_has_no_end_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("pipe", "/dev/zero", "/dev/stdin", "/proc/self/fd", "."):
        with pytest.raises(InputError):
            load_study(tmp_path / path)
        with pytest.raises(DataError, match="no file"):
            Places(tmp_path, tmp_path).find(path)


def rows(folder: Path, **source: Any) -> int:  # noqa: ANN401
    given = {"columns": COLUMNS, "path": "rows", **source}
    return len(TypeAdapter(AnySource).validate_python(given).load(Places(folder, folder)))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_line_without_end(tmp_path: Path) -> None:
    with (tmp_path / "rows").open("wb") as file:
        file.truncate(1 << 30)
    before = peak()
    with pytest.raises(DataError, match="the row at line 1 cannot be cut into columns"):
        rows(tmp_path, kind="csv")
    assert peak() - before < 100 << 10  # KiB


def test_a_file_that_is_read_whole_must_fit(tmp_path: Path) -> None:
    with (tmp_path / "rows").open("wb") as file:
        file.truncate(1 << 40)
    for layout in ({"separator": "::"}, {"encoding": "latin-1"}):
        with pytest.raises(DataError, match=r"takes about 2,048\.0 GiB of memory"):
            rows(tmp_path, kind="csv", **layout)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"user\n1\n", "no column 'item'"),
        (b"user,item\n1,\xff\n", "line 2 is not utf-8 text"),
        ("user,item\n1,2\n".encode("utf-16"), "did you mean encoding = 'utf-16'"),
        (b"", "the file is empty"),
        (b"user,item\n1,2,3\n", "every row must have 2 columns"),
        (b'user,item\n"' + b"1,2\n" * 90_000, "a quote '\"' left open"),
    ],
)
def test_crafted_csv(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(data)
    with pytest.raises(DataError) as caught:
        rows(tmp_path, kind="csv")
    assert words in str(caught.value)


def test_text_that_many_rows_of_parquet_repeat(tmp_path: Path) -> None:
    """100 GB of text in a file of 10 KB: fine where ids need it once, else refused."""
    long = pa.array(["x" * (1 << 20)])
    many = np.zeros(100_000, np.int32)
    numbers = pa.array(np.arange(len(many)))
    text = pa.DictionaryArray.from_arrays(many, long)
    data = pa.DictionaryArray.from_arrays(many, long.cast(pa.binary()))

    def write(**columns: pa.Array) -> None:
        settings = {"compression": "zstd", "write_statistics": False, "store_schema": False}
        pq.write_table(pa.table(columns), tmp_path / "rows", **settings)

    write(user=text, item=numbers)
    assert rows(tmp_path, kind="parquet") == len(many)
    write(user=data, item=numbers)
    with pytest.raises(DataError, match=r"the column of the user takes about 97\.7 GiB"):
        rows(tmp_path, kind="parquet")
    write(user=numbers, item=numbers, more=text)
    for role in ("value", "time"):
        with pytest.raises(DataError, match=rf"the column of the {role} takes about 97\.7 GiB"):
            rows(tmp_path, kind="parquet", columns={**COLUMNS, role: "more"})
    (tmp_path / "rows").rename(tmp_path / "users.parquet")
    (tmp_path / "rows").write_text("user,item\n1,2\n")
    with pytest.raises(DataError, match=r"attribute more takes about 97\.7 GiB"):
        rows(tmp_path, kind="csv", users={"path": "users.parquet", "id": "user"})


def test_rows_that_parquet_declares_must_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = pa.array(np.zeros(2_000_000, np.int64))
    pq.write_table(pa.table({"user": same, "item": same}), tmp_path / "rows")
    assert (tmp_path / "rows").stat().st_size < 100_000
    monkeypatch.setattr(memory, "available", lambda: 16 << 20)
    with pytest.raises(DataError, match=r"declares 2,000,000 rows, takes about 0\.0 GiB"):
        rows(tmp_path, kind="parquet")


def test_nested_columns_of_parquet(tmp_path: Path) -> None:
    nested = pa.array([[{"a": [1]}], []])
    pq.write_table(pa.table({"user": nested, "item": pa.array([1, 2])}), tmp_path / "rows")
    with pytest.raises(DataError, match=r"the column of the user holds list<.*it must hold"):
        rows(tmp_path, kind="parquet")


@pytest.mark.slow
def test_mutated_files_end_in_clear_errors() -> None:
    """`python -m tests.fuzz` does the same with 10,000 of each kind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--count", "250", "--seed", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 defects") == 3, done.stdout
