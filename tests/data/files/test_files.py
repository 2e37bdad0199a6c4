"""Which rows are test, by a column or by files of one layout."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.data.files.csv_reader import CsvReader
from cfexp.data.files.files import joined
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.sources import AnySource
from cfexp.errors import DataError

COLUMNS = {"user": "u", "item": "i", "value": "v"}
FILES = {"path": "a.csv", "test_path": "b.csv"}


def load(folder: Path, **fields: object) -> Interactions:
    source = TypeAdapter(AnySource).validate_python(
        {"kind": "csv", "path": "a.csv", "columns": COLUMNS} | fields
    )
    loaded: Interactions = source.load(Places(folder, folder))
    return loaded


def test_a_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "u,i,v,p\n1,2,1,train\n1,3,1,test\n,3,1,test\n2,2,1,validation\n"
    )
    rows = load(tmp_path, columns=COLUMNS | {"part": "p"})
    assert rows.part is not None
    assert rows.part.tolist() == [0, 2, 1]
    assert rows.select([1]).part.tolist() == [2]
    plain = load(tmp_path)
    assert plain.part is None
    assert plain.fingerprint != rows.fingerprint


def test_a_part_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,i,v,p\n1,2,1,train\n1,3,1,dev\n1,3,1,\n")
    with pytest.raises(DataError, match=r"one of train, validation, test; 2 of 3 rows.*\n.*dev"):
        load(tmp_path, columns=COLUMNS | {"part": "p"})


def test_files_share_ids_and_messages_say_which(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,i,v\n1,x,1\n2,y,2\n")
    (tmp_path / "b.csv").write_text("i,u,v\ny,1,3\nz,3,4\n")
    rows = load(tmp_path, **FILES)
    assert rows.users.ids.tolist() == [1, 2, 3]
    assert rows.items.ids.tolist() == ["x", "y", "z"]
    assert rows.part is not None
    assert rows.part.tolist() == [0, 0, 2, 2]
    assert rows.value.tolist() == [1, 2, 3, 4]
    (tmp_path / "b.csv").write_text("i,u,v\ny,1,3\nz,3,-4\n")
    with pytest.raises(DataError, match=r"1 of 4 rows break this:\n  b.csv: line 3: z,3,-4"):
        load(tmp_path, **FILES)
    with pytest.raises(DataError, match=r"no file 'c.csv'"):
        load(tmp_path, test_path="c.csv")


@pytest.mark.parametrize(
    ("first", "second", "fields", "words"),
    [
        ("3,5", "2,x\nz,3,oops,7", {}, "values must be numbers"),
        ("3,5", "2,7\nz,3,2,oops", {}, "times must be readable under time_format = 'auto'"),
        ("3,2001-01-01", "2,2001-01-02T00:00:00.5Z\nz,3,2,oops", {}, "times must be readable"),
        ("3,5", "2,7\nz,3,2,oops", {"time_format": "unix"}, "times must be readable"),
    ],
)
def test_one_bad_row_of_one_file_is_shown(
    tmp_path: Path, first: str, second: str, fields: dict[str, str], words: str
) -> None:
    (tmp_path / "a.csv").write_text(f"u,i,v,t\n1,x,{first}\n")
    (tmp_path / "b.csv").write_text(f"u,i,v,t\n2,y,{second}\n")
    with pytest.raises(DataError, match=words) as caught:
        load(tmp_path, columns=COLUMNS | {"time": "t"}, **FILES, **fields)
    assert "  b.csv: line 3: z,3,2,oops" in str(caught.value).replace("oops,7", "2,oops")


def test_times_of_several_writings(tmp_path: Path) -> None:
    for second in ("2001-01-02 10:00:00", "2001-01-02T10:00:00Z", "2001-01-02T11:00:00.0+01:00"):
        (tmp_path / "a.csv").write_text("u,i,t\n1,x,2001-01-01\n")
        (tmp_path / "b.csv").write_text(f"u,i,t\n1,y,{second}\n")
        rows = load(tmp_path, columns={"user": "u", "item": "i", "time": "t"}, **FILES)
        assert rows.time is not None
        assert (rows.time[1] - rows.time[0]) / 3_600_000_000 == 34


def test_one_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,i\n1,x\n")
    assert isinstance(
        joined(Places(tmp_path, tmp_path), ("a.csv", None, None), CsvReader), CsvReader
    )


def test_parquet_files(tmp_path: Path) -> None:
    pd.DataFrame({"u": [1, 2], "i": ["x", "y"], "v": [1.0, 2.0]}).to_parquet(tmp_path / "a.pq")
    pd.DataFrame({"u": [1, 2], "i": ["z", "z"], "v": [1.0, 2.0]}).to_parquet(tmp_path / "c.pq")
    pd.DataFrame({"u": [2], "i": ["z"], "v": [2]}).to_parquet(tmp_path / "b.pq")
    files = {"kind": "parquet", "path": "a.pq", "validation_path": "c.pq", "test_path": "b.pq"}
    rows = load(tmp_path, **files)
    assert rows.part is not None
    assert rows.part.tolist() == [0, 0, 1, 1, 2]
    pd.DataFrame({"u": ["2"], "i": ["z"], "v": [2]}).to_parquet(tmp_path / "b.pq")
    with pytest.raises(DataError, match="must hold the same types"):
        load(tmp_path, **files)


def test_a_file_is_of_one_part_alone(tmp_path: Path) -> None:
    (tmp_path / "plays-1.csv").write_text("u,i,v\n1,x,1\n")
    (tmp_path / "plays-test.csv").write_text("u,i,v\n1,y,1\n")
    with pytest.raises(DataError, match=r"plays-test.csv is both of train and of test; each"):
        load(tmp_path, path="plays-*.csv", test_path="plays-test.csv")


def test_a_column_and_a_file_are_one_too_many() -> None:
    fields = {"kind": "csv", "columns": COLUMNS | {"part": "p"}} | FILES
    with pytest.raises(ValidationError, match=r"part = 'p' and the file 'b.csv' both say"):
        TypeAdapter(AnySource).validate_python(fields)
