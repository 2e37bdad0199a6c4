from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError

IDS = Vocabulary(np.arange(3))


def build(**changed: object) -> Interactions:
    columns: dict[str, Any] = {
        "user": [0, 2, 1],
        "item": [1, 1, 0],
        "value": [1, 2, 3],
        "time": [30, 20, 10],
        "row": [0, 1, 2],
        "users": IDS,
        "items": IDS,
    }
    return Interactions(**(columns | changed))


def test_vocabulary_sorts_and_keeps_types() -> None:
    vocabulary, codes = Vocabulary.of(np.array(["10", "9", "10"], object))
    assert vocabulary.ids.tolist() == ["10", "9"]
    assert codes.tolist() == [0, 1, 0]
    assert codes.dtype == np.int32
    assert vocabulary.codes(np.array(["9", "x"], object)).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": [1, np.nan, 0]}, "finite"),
        ({"user": [0, 3, 0]}, "user codes must lie in 0..2"),
        ({"item": [0, -1, 0]}, "item codes must lie in 0..2"),
        ({"time": [1, 2]}, "column 'time' has shape"),
        ({"titles": np.array(["a"], object)}, "1 titles for 3 items"),
    ],
)
def test_checked_at_birth(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(**changed)


def test_frozen_and_selected() -> None:
    rows = build()
    with pytest.raises(ValueError, match="read-only"):
        rows.user[0] = 1
    part = rows.select(rows.value >= 2)
    assert part.row.tolist() == [1, 2]
    assert part.users is rows.users
    assert part.shape == (3, 3)


def test_order_is_user_time_row() -> None:
    rows = build(user=[1, 1, 1], time=[5, 5, 1], row=[8, 2, 9])
    assert rows.by_user_and_time.tolist() == [2, 1, 0]
    assert build(user=[1, 1, 1], time=[5, 5, 1]).by_user_and_time.tolist() == [2, 0, 1]
    with pytest.raises(DataError, match="no time column"):
        _ = build(time=None).by_user_and_time


def test_fingerprint_tells_rows_apart() -> None:
    different = [build(value=[1, 2, 4]), build(time=None), build(users=Vocabulary(np.arange(4)))]
    assert build().fingerprint == build().fingerprint
    assert len({rows.fingerprint for rows in [build(), *different]}) == 4


def test_fingerprint_is_of_the_order_of_rows_not_of_gaps_between_them() -> None:
    gaps, turned = build(row=np.array([0, 5, 9])), build(row=np.array([1, 0, 2]))
    assert gaps.fingerprint == build().fingerprint
    assert turned.fingerprint != build().fingerprint
    assert turned.fingerprint == build(row=np.array([8, 3, 9])).fingerprint


@pytest.mark.parametrize("shuffled", [False, True])
def test_many_rows_are_sorted_as_few_are(
    *, shuffled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    n = 3_000
    rows = build(
        user=rng.integers(0, 3, n),
        item=rng.integers(0, 2, n),
        value=np.ones(n),
        time=rng.integers(0, 99, n),
        row=rng.permutation(n) if shuffled else np.arange(n),
    )
    few = rows.by_user_and_time, rows.by_time_within(rows.item)
    monkeypatch.setattr("cfexp.data.interactions.MANY", 0)
    many = rows.order_by(rows.times("a test")), rows.by_time_within(rows.item)
    np.testing.assert_array_equal(few, many)
