"""Rows from data frames and matrices, and studies on them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

import cfexp
from cfexp.data.cleaning.step import report
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.errors import DataError
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import parse

DICT: dict[str, list[Any]] = {
    "who": ["b", "a", None, "a"],
    "what": [7, 5, 5, 5],
    "n": [1, 2, 3, 4],
    "at": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"],
}
STUDY = """
name = "from Python"
objectives = ["ndcg@10"]
[data]
{data}
[[clean]]
kind = "values"
above = 0
[split]
kind = "per_user_last"
test = 1
validation = 0
min_train = 1
novel_only = true
[[baselines]]
model = {{ kind = "popularity" }}
"""
FRAME = 'kind = "frame"\ncolumns = { user = "who", item = "what", value = "n", time = "at" }'


@pytest.mark.parametrize("make", [dict, pa.table, pd.DataFrame])
def test_frames_of_any_library(make: Any) -> None:  # noqa: ANN401
    rows = Interactions.from_frame(make(DICT), user="who", item="what", value="n", time="at")
    assert rows.users.ids.tolist() == ["a", "b"]
    assert rows.items.ids.tolist() == [5, 7]
    assert rows.value.tolist() == [1, 2, 4]
    assert rows.row.tolist() == [0, 1, 3]
    assert rows.dropped == {"user missing": 1}
    assert rows.time is not None
    assert (
        rows.fingerprint
        == cfexp.Interactions.from_frame(
            pd.DataFrame(DICT, index=[3, 1, 2, 0]), user=1, item=2, value=3, time=4
        ).fingerprint
    )


def test_bad_frames() -> None:
    with pytest.raises(DataError, match=r"the data frame: no column 'user' for the user; .*'who'"):
        Interactions.from_frame(DICT)
    with pytest.raises(DataError, match=r"1 of 3 rows break this:\n  row 2: user 'a', item 5, v"):
        Interactions.from_frame(DICT | {"n": [1, -2, 3, 4]}, user="who", item="what", value="n")
    with pytest.raises(DataError, match=r"expected a data frame .* got int"):
        Interactions.from_frame(3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"user": 0}, "user = 0: must be the name of a column, or its position from 1"),
        ({"item": None}, "item = None: must be the name of a column"),
        ({"valeu": "n"}, r"no argument 'valeu'; its arguments are user, .*did you mean 'value'\?"),
        ({"missing_values": "dropp"}, "missing_values = 'dropp': must be 'refuse' or 'drop'"),
        ({"time_format": "isso"}, "time_format = 'isso': must be one of auto, .*mean 'iso'"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Interactions.from_frame(DICT, **({"user": "who", "item": "what"} | arguments))


@pytest.mark.parametrize("no_frame", [pd.Series([1], name="user"), pa.chunked_array([[1]])])
def test_a_single_column_is_no_frame(no_frame: object) -> None:
    with pytest.raises(DataError, match=f"expected a data frame .* got {type(no_frame).__name__}"):
        Interactions.from_frame(no_frame)


@pytest.mark.parametrize("index", [pa.int32(), pa.uint32()])
@pytest.mark.parametrize(
    ("view", "give"), [(pa.string_view(), str), (pa.binary_view(), str.encode)]
)
def test_categories_of_views(index: pa.DataType, view: pa.DataType, give: Any) -> None:  # noqa: ANN401
    texts = pa.array([give("b"), give("a")], view)
    users = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], index), texts)
    rows = Interactions.from_frame(pa.table({"user": users, "item": [1, 2, 3, 4]}))
    assert rows.users.ids[rows.user].tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("users", "kept"),
    [
        ([3, 2**62], [3, 2**62]),
        (np.array([2.0, 1.0]), [1, 2]),
        (pd.Index(["b", "a"]), ["a", "b"]),
        (("1", "2"), ["1", "2"]),
        (np.array([2, 1], np.uint64), [1, 2]),
    ],
)
def test_ids_of_a_matrix_are_whole_numbers_or_text(users: Any, kept: list[Any]) -> None:  # noqa: ANN401
    ids = Interactions.from_matrix(np.eye(2), users=users).users.ids
    assert ids.tolist() == kept
    assert ids.dtype == (object if isinstance(kept[0], str) else np.int64)


@pytest.mark.parametrize(
    "users",
    [
        *([1.5, 2], [1, "1"], [1, None], [True, False], [2**70, 1], [[1], [2, 3]], [b"a", b"b"]),
        *(np.array([np.nan, 1]), np.array([2**63, 1], np.uint64), [2.0**60, 1.0]),
        np.array([1, 2], "M8[ns]"),
    ],
)
def test_other_ids_of_a_matrix_are_refused(users: Any) -> None:  # noqa: ANN401
    with pytest.raises(DataError, match="users must be whole numbers of 64 bits or text"):
        Interactions.from_matrix(np.eye(2), users=users)
    for no_list in ([[1], [2]], 3, "ab"):
        with pytest.raises(DataError, match="users must be a list of ids"):
            Interactions.from_matrix(np.eye(2), users=no_list)  # type: ignore[arg-type]


def test_matrices() -> None:
    dense = np.array([[0, 2, 0], [1, 0, 3]])
    rows = Interactions.from_matrix(sparse.csc_array(dense), users=["z", "a"], items=[10, 30, 20])
    assert rows.users.ids.tolist() == ["a", "z"]
    found = sparse.csr_array((rows.value, (rows.user, rows.item)), shape=rows.shape).toarray()
    assert found.tolist() == [[1, 3, 0], [0, 0, 2]]
    assert rows.items.ids.tolist() == [10, 20, 30]
    plain = Interactions.from_matrix(dense)
    assert plain.items.ids.tolist() == [0, 1, 2]
    assert (plain.user.tolist(), plain.item.tolist()) == ([0, 1, 1], [1, 0, 2])
    for wrong, words in (({"users": [1]}, "2 users of the matrix"), ({"items": [1, 1, 2]}, "2 of")):
        with pytest.raises(DataError, match=words):
            Interactions.from_matrix(dense, **wrong)
    with pytest.raises(DataError, match="finite and not negative"):
        Interactions.from_matrix(-dense)
    with pytest.raises(DataError, match="expected a users x items matrix"):
        Interactions.from_matrix("no")


def test_a_study_of_a_frame(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "who": rng.integers(20, size=400),
            "what": rng.integers(15, size=400),
            "n": rng.integers(-1, 3, size=400),
            "at": pd.date_range("2024-01-01", periods=400, freq="h"),
        }
    )
    spec = parse(tomllib.loads(STUDY.format(data=FRAME)))
    found = prepare(spec, frame)
    assert len(found.rows) == int((frame.n > 0).sum())
    assert report(found.rows)[-1]["dropped"] == int((frame.n <= 0).sum())
    objective = cfexp.Objective(spec, data=frame)
    assert objective._prepared.split.fingerprint == found.split.fingerprint
    assert prepare(spec, frame.iloc[50:]).split.fingerprint != found.split.fingerprint
    with pytest.raises(DataError, match=r"give the rows from Python"):
        spec.data.load(Places(tmp_path, tmp_path))
    other = parse(tomllib.loads(STUDY.format(data='kind = "synthetic"')))
    with pytest.raises(DataError, match="kind = 'synthetic' reads its own"):
        prepare(other, frame)
    rows = Interactions.from_frame(frame[frame.n > 0], user="who", item="what", time="at")
    assert prepare(spec, rows).rows.users.ids.tolist() == found.rows.users.ids.tolist()
