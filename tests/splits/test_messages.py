"""What a split refuses, and in which words."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import InputError, SplitError, StudyFileError
from cfexp.search.spec.spec import StudySpec
from cfexp.search.spec.study_file import parse
from cfexp.splits.invariants import check_cutoff, check_unseen
from cfexp.splits.predefined import Predefined
from cfexp.splits.split import Stage

DAY = 86_400_000_000
STUDY = """
name = "s"
data = {{ kind = "synthetic" }}
baselines = [{{ model = {{ kind = "popularity" }} }}]
[split]
{split}
"""


def study(split: str) -> StudySpec:
    return parse(tomllib.loads(STUDY.format(split=split)))


def ten(part: list[int] | None = None) -> Interactions:
    """Ten rows on ten days, of two users in turn and five items."""
    place = np.arange(10)
    users, items = Vocabulary(np.arange(2)), Vocabulary(np.arange(5))
    parts: dict[str, Any] = {} if part is None else {"part": np.array(part)}
    return Interactions(
        place % 2, place // 2, np.ones(10), place * DAY, place, users, items, **parts
    )


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ('kind = "by_times"', "split.kind: 'by_times' is not one of per_user_last, .*'by_time'"),
        ("test = 3", "split.kind: is required: one of per_user_last, .*predefined"),
        ('kind = "by_time"\ntest = "May"', r"split.test: must be a date .* \(received \"May\"\)"),
        ('kind = "by_time"\ntest = true', r"split.test: must be a number of days, or a date"),
        ('kind = "by_time"\ntest = 0', r"split.test: must be above 0 .*\(received 0\)"),
        (
            'kind = "by_time"\nvalidation = 2001-01-01\nfolds = 2',
            r"split: folds = 2 need validation as a number of days, not '2001-01-01T00:00:00'",
        ),
        (
            'kind = "random_per_user"\ntest = 1.5',
            r"split.test: must be a whole number ≥ 1, or a share .*\(received 1.5\)",
        ),
        (
            'kind = "random_per_user"\nfolds = 2\nfit_for_test = "train"',
            "split: fit_for_test = 'train' is no one set of rows with folds = 2",
        ),
        ('kind = "leave_one_out"\nvalidation = 2', "split.validation: .*less than or equal to 1"),
        ('kind = "leave_one_out"\ntest = 2', "split.test: unknown key.*the keys here are "),
        ('kind = "by_user"\ncold_items = "hit"', "split.cold_items: .*'candidates' or 'only'"),
        ('kind = "predefined"\nmin_user = 0', "split.min_user: .*greater than or equal to 1"),
        ('kind = "predefined"\nuntil = 7', "split.until: must be a date such as"),
    ],
)
def test_mistakes_in_a_study_file(split: str, words: str) -> None:
    with pytest.raises(StudyFileError, match=words) as caught:
        study(split)
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ('kind = "by_time"\ntest = 1999-01-01', "no row is left for test, from 1999-01-01"),
        (
            'kind = "by_time"\ntest = 10\nvalidation = 0',
            "no row is left for train.* 1970-01-01T00:00:00 to 1970",
        ),
        (
            'kind = "by_time"\ntest = 1970-01-05\nvalidation = 1970-01-06',
            "validation = '1970-01-06T00:00:00' must begin before the test, .*1970-01-05",
        ),
        ('kind = "per_user_last"', r"5 \+ 1 \+ 5 = 11 rows .* the longest has 5"),
        (
            'kind = "per_user_last"\nfolds = 3\nvalidation = 2',
            r"min_train \+ folds x validation \+ test = 5 \+ 3 x 2 \+ 5 = 16 rows",
        ),
        ('kind = "per_user_fraction"\nmin_train = 9', "min_train = 9 hold out no row of 2 users"),
        ('kind = "random_per_user"\nmin_train = 9', "min_train = 9 hold out no row of 2 users"),
        ('kind = "by_user"', "0 and 0 users cannot be held out of the 2 that have min_rows = 5"),
        ('kind = "by_user"\ntest = 1\nvalidation = 1', "1 and 1 users cannot be held out of the 2"),
        ('kind = "predefined"', r"\[data.columns\] part, .*\[data\] test_path"),
        ('kind = "leave_one_out"\nsince = 1999-01-01', "times are 1970-01-01.* to 1970-01-10"),
        ('kind = "leave_one_out"\nmin_item = 3', "min_item = 3: no rows remain of 10"),
        (
            'kind = "by_time"\ntest = 3\nvalidation = 2\ncold_items = "drop"',
            "'validation': with cold_items = \"drop\" nothing is left .* no item occurs",
        ),
        ('kind = "leave_one_out"\nnovel_only = true', None),
    ],
)
def test_splits_that_rows_do_not_allow(split: str, words: str | None) -> None:
    spec = study(split)
    if words is None:
        assert spec.split.split(ten()).dropped == {}
        return
    with pytest.raises(InputError, match=words):
        spec.split.split(ten())


def test_new_users_are_left_out_or_counted() -> None:
    rows = ten()
    late = rows.select((rows.user == 0) | (rows.row >= 8))  # user 1 comes on the last day
    recipe = 'kind = "by_time"\ntest = 2\nvalidation = 0\nnew_users = "{}"'
    dropped = study(recipe.format("drop")).split.split(late)
    assert dropped.test.held_out.user.tolist() == [0]
    assert dropped.dropped == {'test: new_users = "drop"': 1}
    counted = study(recipe.format("count")).split.split(late)
    assert counted.test.held_out.user.tolist() == [0, 1]
    assert counted.dropped == {}


def test_users_without_a_history_of_fitted_items() -> None:
    rows = Interactions.from_frame({"user": np.arange(6), "item": np.arange(6)})
    split = study('kind = "by_item"\ntest = 5\nvalidation = 0').split
    with pytest.raises(SplitError, match="users without a history left out") as caught:
        split.split(rows)
    assert "new_users" not in str(caught.value)


def test_predefined_parts() -> None:
    split = Predefined().split(ten([0, 0, 0, 0, 0, 0, 1, 1, 2, 2]))
    assert split.rows == {"train": 6, "validation": 2, "test": 2}
    assert len(split.test.fit) == 8
    assert len(Predefined(fit_for_test="train").split(ten([0] * 6 + [1, 1, 2, 2])).test.fit) == 6
    rest = [0, 0, 0, 0, 0, 0, 0, 0, 2, 2]
    assert Predefined().split(ten(rest)).rows == {"train": 8, "test": 2}
    cut = Predefined(validation=1).split(ten(rest))
    assert cut.rows == {"train": 6, "validation": 2, "test": 2}
    assert cut.validation[0].held_out.row.tolist() == [6, 7]
    with pytest.raises(SplitError, match="hold 2 validation rows of their own"):
        Predefined(validation=1).split(ten([0] * 6 + [1, 1, 2, 2]))
    with pytest.raises(SplitError, match="train 0, validation 0, test 10"):
        Predefined().split(ten([2] * 10))


def test_stages_that_break_a_promise() -> None:
    rows = ten()
    early, late = rows.select(rows.row < 5), rows.select(rows.row >= 5)
    check_cutoff(Stage("test", early, early, late))
    with pytest.raises(SplitError, match="5 rows of its fit are not older"):
        check_cutoff(Stage("test", late, late, early))
    with pytest.raises(SplitError, match="2 held-out users have rows that are fitted"):
        check_unseen(Stage("test", early, early, late))
