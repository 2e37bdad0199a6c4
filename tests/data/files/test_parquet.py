from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cfexp.data.files.parquet_file import Parquet
from cfexp.data.files.places import Places
from cfexp.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.data.interactions import Interactions


def load(
    folder: Path, columns: dict[str, Any], time_format: str = "auto", **roles: str
) -> Interactions:
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    named = {role: role for role in columns} | roles
    source = Parquet.model_validate(
        {"path": "rows.parquet", "columns": named, "time_format": time_format}
    )
    return source.load(Places(folder, folder))


def test_types_as_stored(tmp_path: Path) -> None:
    when = [dt.datetime(2001, 1, 1, tzinfo=dt.UTC), dt.datetime(2001, 1, 2, tzinfo=dt.UTC)]
    rows = load(
        tmp_path,
        {"user": [5, 3], "item": ["x", "007"], "value": pa.array([2, 3], pa.int8()), "time": when},
    )
    assert rows.users.ids.tolist() == [3, 5]
    assert rows.items.ids.tolist() == ["007", "x"]
    assert rows.value.tolist() == [2, 3]
    assert rows.time is not None
    assert rows.time.tolist() == [978_307_200_000_000, 978_393_600_000_000]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_and_dates(tmp_path: Path, unit: str) -> None:
    time = pa.array([dt.datetime(2001, 1, 1)], pa.timestamp(unit))  # noqa: DTZ001
    for column in (time, pa.array([dt.date(2001, 1, 1)])):
        rows = load(tmp_path, {"user": [1], "item": [1], "time": column})
        assert rows.time is not None
        assert rows.time.tolist() == [978_307_200_000_000]


@pytest.mark.parametrize(
    ("stored", "ids"),
    [
        (pa.array([17850.0, None, 13047.0]), [13047, 17850]),
        (pa.array([1.5, float("nan"), 2.0]), ["1.5", "2"]),
        (pa.array(["b", "", "a"]), ["a", "b"]),
        (pa.array(["b", None, "a"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["b", None, "a"], pa.large_string()), ["a", "b"]),
        (pa.array([2**63, None, 1], pa.uint64()), ["1", str(2**63)]),
    ],
)
def test_ids_and_missing_ids(tmp_path: Path, stored: pa.Array, ids: list[object]) -> None:
    rows = load(tmp_path, {"user": stored, "item": [1, 2, 3]})
    assert rows.users.ids.tolist() == ids
    assert dict(rows.dropped) == {"user missing": 1}
    assert rows.items.ids.tolist() == [1, 3]  # item 2 went with its only row


def test_bad_rows_are_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 of 2 rows break this") as caught:
        load(tmp_path, {"user": [None, 1, 1], "item": ["a", "b", "c"], "value": [-1, 1, -2]})
    assert "row 3: user 1, item 'c', value -2" in str(caught.value)
    with pytest.raises(DataError, match="values must be numbers"):
        load(tmp_path, {"user": [1], "item": [1], "value": pa.array([None], pa.float32())})
    with pytest.raises(DataError, match="times must be readable"):
        load(tmp_path, {"user": [1, 1], "item": [1, 2], "time": [4, None]})
    with pytest.raises(DataError, match=r"no column 'usr' for the user.*did you mean 'user'"):
        load(tmp_path, {"user": [1], "item": [1]}, user="usr")


def test_not_parquet(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("a,b\n")
    source = Parquet.model_validate({"path": "x.parquet", "columns": {"user": 1, "item": 2}})
    with pytest.raises(DataError, match="not a Parquet file"):
        source.load(Places(tmp_path, tmp_path))


@pytest.mark.parametrize("role", ["user", "item", "title", "value", "time"])
@pytest.mark.parametrize("stored", [pa.array([[1], [2]]), pa.array([{"a": 1}, {"a": 2}])])
def test_types_without_a_meaning(tmp_path: Path, role: str, stored: pa.Array) -> None:
    with pytest.raises(DataError, match=rf"column of the {role} holds (list|struct)<.*must hold"):
        load(tmp_path, {"user": [1, 2], "item": [1, 2]} | {role: stored})


def test_timestamps_are_no_values(tmp_path: Path) -> None:
    when = pa.array([dt.datetime(2001, 1, 1)])  # noqa: DTZ001
    with pytest.raises(DataError, match=r"the value holds timestamp.*must hold numbers"):
        load(tmp_path, {"user": [1], "item": [1], "value": when})


def test_binary_ids_are_text(tmp_path: Path) -> None:
    rows = load(tmp_path, {"user": [b"a", None, b"7"], "item": [1, 2, 3]})
    assert rows.users.ids.tolist() == ["7", "a"]
    with pytest.raises(DataError, match="user must be UTF-8 text; 1 of 2 rows") as caught:
        load(tmp_path, {"user": [b"a", b"\xff"], "item": [1, 2]})
    assert r"row 2: user b'\xff', item 2" in str(caught.value)


def test_numbers_and_times_out_of_range(tmp_path: Path) -> None:
    rows = load(tmp_path, {"user": [1, 2], "item": [1, 2], "value": [2**60, 2**53 + 1]})
    assert rows.value.tolist() == [2**60, 2**53]
    for time in (
        pa.array([2**62, -(2**63)]),
        pa.array([2**60, -(2**60)], pa.timestamp("ms")),
        pa.array([2**31 - 1, -(2**31)], pa.date32()),
    ):
        with pytest.raises(DataError, match=r"before the year 5138.*2 of 2 rows break this"):
            load(tmp_path, {"user": [1, 2], "item": [1, 2], "time": time}, time_format="unix")


@pytest.mark.parametrize("columns", [{"user": 1, "item": 3}, {"user": "b", "item": 2}])
def test_columns_of_the_same_name(tmp_path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table([[1], [2], [3]], names=["a", "a", "b"]), tmp_path / "x.parquet")
    source = Parquet.model_validate({"path": "x.parquet", "columns": columns})
    with pytest.raises(DataError, match="2 columns are called 'a'"):
        source.load(Places(tmp_path, tmp_path))


@pytest.mark.parametrize("where", ["footer", "pages"])
def test_corrupt_footer_or_pages(tmp_path: Path, where: str) -> None:
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"u": list(range(999)), "i": list(range(999))}), file)
    data = bytearray(file.read_bytes())
    start = 4 if where == "pages" else len(data) - 300
    data[start : start + 100] = b"\xff" * 100
    file.write_bytes(data)
    source = Parquet.model_validate({"path": "x.parquet", "columns": {"user": "u", "item": "i"}})
    with pytest.raises(DataError, match="not a Parquet file that can be read"):
        source.load(Places(tmp_path, tmp_path))


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows left of 0 read"):
        load(tmp_path, {"user": pa.array([], pa.int64()), "item": pa.array([], pa.string())})


def test_agrees_with_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [9, 9, 2, 4], "item": list("bbac"), "value": [1.0, 2, 0.5, 4]})
    rows = load(tmp_path, {name: pa.array(frame[name]) for name in frame})
    back = pd.DataFrame(
        {
            "user": rows.users.ids[rows.user],
            "item": rows.items.ids[rows.item],
            "value": rows.value.astype(float),
        }
    )
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
