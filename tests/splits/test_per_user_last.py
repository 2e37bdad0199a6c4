from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cfexp.data.feedback import Feedback
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.public.movielens import MovieLens
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, SplitError
from cfexp.splits.any_split import AnySplit
from cfexp.splits.per_user_last import PerUserLast

Event = tuple[int, int, int]
events = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 9)), min_size=20, max_size=60
)
sizes = st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))


def interactions(rows: list[Event] | np.ndarray) -> Interactions:
    user, item, time = np.array(rows).T
    users, user = Vocabulary.of(user)
    items, item = Vocabulary.of(item)
    ones = np.ones(len(user))
    return Interactions(user, item, ones, time, np.arange(len(user)), users, items)


def plain(rows: list[Event], test: int, validation: int, min_train: int) -> pd.Series:
    """The same split, as one would write it in pandas."""
    frame = pd.DataFrame(rows, columns=["user", "item", "time"])
    ordered = frame.sort_values(["user", "time"], kind="stable")
    after = ordered.groupby("user").cumcount(ascending=False)
    long = ordered.groupby("user")["time"].transform("size") >= test + validation + min_train
    part = pd.Series("train", index=ordered.index)
    part[long & (after < test + validation)] = "validation"
    part[long & (after < test)] = "test"
    return part.sort_index()


@given(events, sizes)
def test_agrees_with_plain_pandas(rows: list[Event], size: tuple[int, int, int]) -> None:
    recipe = PerUserLast(test=size[0], validation=size[1], min_train=size[2])
    parts = plain(rows, *size)
    if not (parts == "test").any():
        with pytest.raises(SplitError, match="a user needs"):
            recipe.split(interactions(rows))
        return
    split = recipe.split(interactions(rows))
    wanted = {name: parts.index[parts == name].tolist() for name in ("train", "validation", "test")}
    assert split.test.held_out.row.tolist() == wanted["test"]
    assert split.test.fit.row.tolist() == sorted(wanted["train"] + wanted["validation"])
    assert split.test.history is split.test.fit
    assert len(split.validation) == (size[1] > 0)
    for stage in split.validation:
        assert stage.fit is stage.history
        assert stage.fit.row.tolist() == wanted["train"]
        assert stage.held_out.row.tolist() == wanted["validation"]
    assert split.rows == {
        name: len(rows) for name, rows in wanted.items() if rows or name != "validation"
    }


@given(events, st.randoms(use_true_random=False))
def test_shuffling_rows_without_ties_changes_nothing(
    rows: list[Event], random: np.random.Generator
) -> None:
    rows = [(0, item, position) for position, (_, item, _) in enumerate(rows)]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    feedback = Feedback()
    one, other = (PerUserLast().split(interactions(r)).view(feedback) for r in (rows, shuffled))
    assert one.keys() == other.keys() == {"validation", "test"}
    for name, stage in one.items():
        for matrix in ("history", "seen", "relevant"):
            a, b = getattr(stage, matrix), getattr(other[name], matrix)
            assert (a.toarray() == b.toarray()).all()


def test_ties_go_by_input_order() -> None:
    rows = interactions([(1, item, 7) for item in (5, 3, 4, 1, 2)])
    split = PerUserLast(test=2, validation=1, min_train=2).split(rows)
    assert split.test.held_out.items.ids[split.test.held_out.item].tolist() == [1, 2]
    assert split.validation[0].held_out.row.tolist() == [2]


def test_short_users_stay_in_train() -> None:
    rows = interactions([(1, i, i) for i in range(11)] + [(2, i, i) for i in range(10)])
    split = PerUserLast().split(rows)
    assert split.rows == {"train": 15, "validation": 1, "test": 5}
    assert np.bincount(split.validation[0].fit.user).tolist() == [5, 10]


def test_fit_for_test() -> None:
    rows = interactions([(1, i, i) for i in range(11)])
    alone = PerUserLast(fit_for_test="train").split(rows)
    assert alone.test.fit is alone.validation[0].fit
    both = PerUserLast().split(rows)
    assert len(both.test.fit) == 6
    assert alone.fingerprint != both.fingerprint


def test_novel_only() -> None:
    rows = interactions([(1, item, time) for time, item in enumerate([1, 2, 3, 1, 9, 2, 9, 9])])
    recipe = {"test": 3, "validation": 1, "min_train": 2}
    split = PerUserLast(**recipe, novel_only=True, fit_for_test="train").split(rows)
    assert split.test.held_out.row.tolist() == [6, 7]
    assert split.validation[0].held_out.row.tolist() == [4]
    assert split.rows == {"train": 4, "validation": 1, "test": 2}
    with pytest.raises(SplitError, match="novel_only"):
        PerUserLast(**recipe, novel_only=True).split(rows)


def test_no_user_is_long_enough() -> None:
    with pytest.raises(SplitError) as caught:
        PerUserLast().split(interactions([(1, 1, 1), (1, 2, 2), (2, 1, 1)]))
    assert "5 + 1 + 5 = 11 rows" in str(caught.value)
    assert "the longest has 2" in str(caught.value)


def test_times_are_needed() -> None:
    rows = interactions([(1, 1, 1)])
    bare = Interactions(rows.user, rows.item, rows.value, None, rows.row, rows.users, rows.items)
    with pytest.raises(DataError, match="no time column"):
        PerUserLast().split(bare)


def test_from_a_study_file() -> None:
    split = TypeAdapter(AnySplit).validate_python({"kind": "per_user_last", "test": 3})
    assert split.test == 3
    with pytest.raises(ValueError, match="per_user_last"):
        TypeAdapter(AnySplit).validate_python({"kind": "per_user"})


@given(events, sizes, st.integers(1, 3))
def test_rolling_folds(rows: list[Event], size: tuple[int, int, int], folds: int) -> None:
    test, validation, least = size[0], max(size[1], 1), size[2]
    recipe = PerUserLast(test=test, validation=validation, folds=folds, min_train=least)
    whole = plain(rows, test, folds * validation, least)
    if not (whole == "test").any():
        with pytest.raises(SplitError, match="a user needs"):
            recipe.split(interactions(rows))
        return
    split = recipe.split(interactions(rows))
    names = ["validation"] if folds == 1 else [f"validation-{n + 1}" for n in range(folds)]
    assert [stage.name for stage in split.stages] == [*names, "test"]
    assert split.test.held_out.row.tolist() == whole.index[whole == "test"].tolist()
    for fold, stage in enumerate(split.validation):
        # the same stage as when the rows after it do not exist
        later = test + (folds - fold - 1) * validation
        alone = plain(rows, later, validation, least + fold * validation)
        assert stage.held_out.row.tolist() == alone.index[alone == "validation"].tolist()
        assert stage.fit is stage.history
        assert stage.fit.row.tolist() == alone.index[alone == "train"].tolist()


@pytest.mark.data
def test_movielens_1m_as_published(ml1m: Path) -> None:
    rows = MovieLens(edition="ml-1m").load(Places(ml1m, ml1m.parent))
    split = PerUserLast(fit_for_test="train").split(rows)
    assert split.rows == {"train": 963_969, "validation": 6_040, "test": 30_200}
    stages = split.view(Feedback(positive_from=4, values="ones"))
    assert len(stages["test"].users) == 5_553
    assert len(stages["validation"].users) == 3_575
    assert stages["test"].training is stages["validation"].training
    liked = np.bincount(stages["test"].training.positives.indices)
    top = np.argsort(-liked, kind="stable")[:5]
    assert rows.items.ids[top].tolist() == [2858, 260, 1196, 1198, 2028]
    assert liked[top].tolist() == [2766, 2557, 2461, 2213, 2194]


@pytest.mark.data
def test_movielens_1m_in_folds(ml1m: Path) -> None:
    rows = MovieLens(edition="ml-1m").load(Places(ml1m, ml1m.parent))
    split = PerUserLast(folds=3).split(rows)
    counts = {"validation-1": 6_040, "validation-2": 6_040, "validation-3": 6_040}
    assert split.rows == {"train": 951_889, **counts, "test": 30_200}
    assert [len(stage.fit) for stage in split.stages] == [951_889, 957_929, 963_969, 970_009]
