from __future__ import annotations

import dataclasses
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfexp.data.feedback import Feedback
from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary

event = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5), st.integers(0, 4))
events = st.lists(event, min_size=1, max_size=40)


def interactions(rows: list[tuple[int, int, int, int]]) -> Interactions:
    user, item, value, time = np.array(rows).T
    ids = Vocabulary(np.arange(4))
    return Interactions(user, item, value, time, np.arange(len(rows)), ids, ids)


@given(events, st.sampled_from(["last", "sum"]), st.sampled_from([None, 1.0, 4.0]))
def test_rules_against_pandas(
    rows: list[tuple[int, int, int, int]], duplicates: str, positive_from: float | None
) -> None:
    feedback = Feedback(duplicates=duplicates, positive_from=positive_from)
    frame = pd.DataFrame(rows, columns=["user", "item", "value", "time"])
    frame = frame.sort_values("time", kind="stable")
    merged = frame.groupby(["user", "item"])["value"].agg(duplicates)
    liked = merged[merged > 0 if positive_from is None else merged >= positive_from]
    matrix = feedback.positives(interactions(rows))
    found = matrix.matrix.tocoo()
    assert dict(zip(zip(*found.coords, strict=True), found.data, strict=True)) == liked.to_dict()
    assert matrix.dtype == np.float32
    assert matrix.matrix.has_canonical_format
    ones = Feedback(duplicates=duplicates, positive_from=positive_from, values="ones")
    assert (ones.positives(interactions(rows)).toarray() == (matrix.toarray() > 0)).all()
    seen = feedback.seen(interactions(rows)).toarray()
    assert {(u, i) for u, i in np.argwhere(seen == 1)} == set(merged.index)
    assert set(np.unique(seen)) <= {0, 1}


@given(events, st.sampled_from(["last", "sum"]), st.sampled_from(["times", "none"]), st.randoms())
def test_rank_and_age_against_pandas(
    rows: list[tuple[int, int, int, int]], duplicates: str, times: str, random: Random
) -> None:
    frame = pd.DataFrame(rows, columns=["user", "item", "value", "time"])
    timed = times == "times"
    order = frame.sort_values("time", kind="stable") if timed else frame
    grouped = order.reset_index().groupby(["user", "item"])
    pairs = grouped["value"].agg(duplicates).to_frame().join(grouped[["time", "index"]].last())
    pairs = pairs[pairs["value"] >= 2].sort_values(["time", "index"] if timed else ["index"])
    rank = pairs.groupby("user").cumcount(ascending=False)
    age = (pairs.groupby("user")["time"].transform("max") - pairs["time"]) / 24

    table = interactions([(u, i, v, t * 3_600_000_000) for u, i, v, t in rows])
    table = table if timed else dataclasses.replace(table, time=None)
    shuffled = table.select(np.array(random.sample(range(len(rows)), len(rows))))
    found = Feedback(duplicates=duplicates, positive_from=2).positives(shuffled)
    keys = list(zip(*found.matrix.tocoo().coords, strict=True))
    assert dict(zip(keys, found.rank, strict=True)) == rank.to_dict()
    if timed:
        newest = pairs.groupby("user")["time"].max()
        for user, days in enumerate(found.idle):
            idle = frame["time"].max() - newest[user] if user in newest.index else 0
            assert days == pytest.approx(idle / 24)
        for key, days, old in zip(keys, found.age, found.days_old(), strict=True):
            assert days == pytest.approx(age[key])
            assert old == pytest.approx((frame["time"].max() - pairs["time"][key]) / 24)
    else:
        assert found.age is None
        assert found.idle is None
        assert found.days_old() is None


def test_the_last_rating_counts() -> None:
    rows = interactions([(0, 0, 5, 2), (0, 0, 2, 3), (1, 1, 2, 3), (1, 1, 5, 3)])
    positives = Feedback(positive_from=4).positives(rows).toarray()
    assert positives[0, 0] == 0
    assert positives[1, 1] == 5  # at the same time the later row is the last


def test_the_newest_row_may_be_before_1970() -> None:
    day = 86_400_000_000
    rows = interactions([(0, 0, 5, -9 * day), (1, 1, 5, -7 * day), (1, 2, 5, -6 * day)])
    idle = Feedback().positives(rows).idle
    assert idle is not None
    assert idle[:2].tolist() == [3, 0]


def test_threshold_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Feedback(positive_from=0)
