from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cfexp.data.files.csv_file import Csv
from cfexp.data.files.parquet_file import Parquet
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.public.movielens import MovieLens
from cfexp.data.side_information.attributes import Attributes
from cfexp.errors import DataError

COLUMNS = {"user": "user", "item": "item"}


def load(folder: Path, rows: str, users: str, **table: object) -> Interactions:
    (folder / "rows.csv").write_text("user,item\n" + rows)
    (folder / "users.csv").write_text(users)
    fields = {"path": "users.csv", "id": "id"} | table
    source = Csv.model_validate({"path": "rows.csv", "columns": COLUMNS, "users": fields})
    return source.load(Places(folder, folder))


def columns(rows: Interactions) -> dict[str, list[Any]]:
    assert rows.attributes is not None
    return {name: column.tolist() for name, column in rows.attributes.columns.items()}


def test_users_are_joined_by_id(tmp_path: Path) -> None:
    users = "id,age,country\n3,41,is\n1,,de\n9,7,fr\n"
    rows = load(tmp_path, "3,a\n1,a\n2,b\n", users)
    assert rows.attributes is not None
    assert rows.users.ids.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(rows.attributes.columns["age"], [np.nan, np.nan, 41])
    assert columns(rows)["country"] == ["de", "", "is"]
    assert (rows.attributes.missing, rows.attributes.unused) == (1, 1)
    assert rows.select(np.array([0])).attributes is rows.attributes


def test_ids_join_exactly(tmp_path: Path) -> None:
    rows = load(tmp_path, "007,a\n7,a\nx,b\n", "id,sex\n7,f\n007,m\n")
    assert dict(zip(rows.users.ids.tolist(), columns(rows)["sex"], strict=True)) == {
        "007": "m",
        "7": "f",
        "x": "",
    }
    rows = load(tmp_path, "7,a\n", "id,sex\n007,m\n")
    assert columns(rows)["sex"] == [""]


def test_a_number_is_what_is_written_like_one(tmp_path: Path) -> None:
    rows = load(tmp_path, "1,a\n2,a\n", "id,zip,score\n1,02139,1.5\n2,9,-3\n")
    assert columns(rows) == {"zip": ["02139", "9"], "score": [1.5, -3.0]}


def test_columns_are_named_or_placed(tmp_path: Path) -> None:
    rows = load(tmp_path, "1,a\n", "id;Sex\n1;f\n", separator=";", columns={"gender": "Sex"})
    assert columns(rows) == {"gender": ["f"]}
    fields = {"header": False, "id": 1, "columns": {"gender": 2}, "separator": "|"}
    assert columns(load(tmp_path, "1,a\n", "1|f\n", **fields)) == {"gender": ["f"]}
    with pytest.raises(ValidationError, match="by position from 1"):
        load(tmp_path, "1,a\n", "1|f\n", header=False)
    with pytest.raises(DataError, match=r"did you mean 'id'"):
        load(tmp_path, "1,a\n", "id,x\n1,f\n", id="idd")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"encoding": "utf8x"}, "text encoding that Python knows"),
        ({"separator": "\n"}, "line breaks"),
        ({"quote": "ab"}, "one ASCII character"),
        ({"separator": '"'}, "must differ"),
    ],
)
def test_a_layout_that_is_none(tmp_path: Path, fields: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        load(tmp_path, "1,a\n", "id,sex\n1,f\n", **fields)


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs a file that refuses")
def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for columns in (None, {"sex": "sex"}):
        with pytest.raises(DataError, match="/proc/self/mem: cannot be read"):
            load(tmp_path, "1,a\n", "", path="/proc/self/mem", columns=columns)


def test_ids_that_are_one_number(tmp_path: Path) -> None:
    pd.DataFrame({"id": [0.0, -0.0], "age": [1, 2]}).to_parquet(tmp_path / "users.parquet")
    with pytest.raises(DataError, match=r"one row; 1 of 2 rows break this:\n  row 2: user -0.0"):
        load(tmp_path, "0,a\n", "", path="users.parquet")


def test_two_rows_of_one_user(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one row; 1 of 3 rows break this:\n  line 4: 1,m"):
        load(tmp_path, "1,a\n", "id,sex\n1,f\n2,f\n1,m\n")


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"user": [1, 2], "item": [5, 6]}).to_parquet(tmp_path / "rows.parquet")
    frame = pd.DataFrame({"id": [2.0, 1.0], "age": [30, None], "vip": [True, False]})
    frame.to_parquet(tmp_path / "users.parquet")
    table = {"path": "users.parquet", "id": "id"}
    source = Parquet.model_validate({"path": "rows.parquet", "columns": COLUMNS, "users": table})
    rows = source.load(Places(tmp_path, tmp_path))
    assert rows.attributes is not None
    np.testing.assert_array_equal(rows.attributes.columns["age"], [np.nan, 30])
    assert columns(rows)["vip"] == ["false", "true"]


def test_saved_and_loaded(tmp_path: Path) -> None:
    known = Attributes({"age": np.array([1.0, np.nan]), "a b": np.array(["x", ""])}, 1, 2)
    known.save(tmp_path / "users.npz")
    again = Attributes.load(tmp_path / "users.npz")
    assert (again.missing, again.unused) == (1, 2)
    for name, column in known.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)


def test_movielens_users(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m/ratings.dat").write_text("1::2::5::9\n3::2::5::9\n")
    (tmp_path / "ml-1m/users.dat").write_text("1::F::25::10::02139\n2::M::56::1::1\n")
    rows = MovieLens(edition="ml-1m").load(Places(tmp_path, tmp_path))
    assert columns(rows)["gender"] == ["F", ""]
    assert rows.attributes is not None
    assert rows.attributes.missing == 1


@pytest.mark.data
@pytest.mark.parametrize(("edition", "women"), [("ml-1m", 1709), ("ml-100k", 273)])
def test_real_users(data_dir: Path, edition: str, women: int) -> None:
    if not (data_dir / edition).is_dir():
        pytest.skip(f"{edition} is not in CFEXP_DATA_DIR")
    rows = MovieLens(edition=edition).load(Places(data_dir, data_dir))
    assert rows.attributes is not None
    assert rows.attributes.missing == 0
    assert columns(rows)["gender"].count("F") == women
