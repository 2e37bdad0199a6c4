from __future__ import annotations

import numpy as np
import pytest

from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.splits.by_time import ByTime
from cfexp.splits.futures import future_share, future_words
from cfexp.splits.leave_one_out import LeaveOneOut
from cfexp.splits.random_per_user import RandomPerUser

DAY = 86_400_000_000


def two_years() -> Interactions:
    """One user of the first ten days and one of the next ten; ten items each."""
    place = np.arange(20)
    users, items = Vocabulary(np.arange(2)), Vocabulary(np.arange(10))
    return Interactions(place // 10, place % 10, np.ones(20), place * DAY, place, users, items)


def test_a_split_by_each_user_s_time_sees_others_futures() -> None:
    split = LeaveOneOut().split(two_years())
    # tests are on days 9 and 19, so their median is 14: days 15 to 18 are later
    assert future_share(split) == pytest.approx(4 / 18)
    words = future_words({"future_share": 4 / 18})
    assert words is not None
    assert words.startswith("22% of the training rows are later than the median test row")
    assert "by_time" in words


def test_a_cutoff_sees_none() -> None:
    split = ByTime(test=2, validation=0, new_users="count").split(two_years())
    assert future_share(split) == 0
    assert future_words({"future_share": 0.0}) is None


def test_nothing_is_said_without_times() -> None:
    rows = two_years()
    bare = Interactions(rows.user, rows.item, rows.value, None, rows.row, rows.users, rows.items)
    assert future_share(RandomPerUser().split(bare)) is None
    assert future_words({"future_share": None}) is None
    assert future_words({}) is None
    assert future_words({"future_share": 0.001}).startswith("Less than 1%")
