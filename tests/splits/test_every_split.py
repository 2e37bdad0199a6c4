"""What holds for every split, on random logs: ties in time, repeated rows, lone users."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cfexp.data.feedback import Feedback
from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, SplitError
from cfexp.splits.any_split import AnySplit
from cfexp.splits.split import Split
from cfexp.splits.splitter import Splitter

DAY = 86_400_000_000
Event = tuple[int, int, int, int]
"""User, item, day, part."""

RECIPES: dict[str, dict[str, Any]] = {
    "last": {"kind": "per_user_last", "test": 2, "min_train": 1},
    "last, in folds": {"kind": "per_user_last", "test": 1, "folds": 2, "min_train": 2},
    "fraction": {"kind": "per_user_fraction", "test": 0.3, "validation": 0.2},
    "leave one out": {"kind": "leave_one_out"},
    "random": {"kind": "random_per_user", "test": 2, "validation": 0.2},
    "random, in folds": {"kind": "random_per_user", "test": 0.2, "validation": 1, "folds": 3},
    "by time": {"kind": "by_time", "test": 3, "validation": 2},
    "by time, in folds": {"kind": "by_time", "test": 2, "validation": 1, "folds": 2},
    "by time, counted": {"kind": "by_time", "test": 4, "validation": 2, "new_users": "count"},
    "by user": {"kind": "by_user", "test": 1, "validation": 1, "min_rows": 3, "given": 0.6},
    "by user, in time": {"kind": "by_user", "test": 0.4, "order": "time", "min_rows": 2},
    "by item": {"kind": "by_item", "test": 2, "validation": 1},
    "by item, among all": {"kind": "by_item", "test": 0.3, "cold_items": "candidates"},
    "predefined": {"kind": "predefined"},
}
PER_USER = ("last", "last, in folds", "fraction", "leave one out", "by user, in time")

logs = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 9), st.integers(0, 2)),
    min_size=1,
    max_size=60,
)
recipes = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def interactions(rows: list[Event]) -> Interactions:
    user, item, day, part = np.array(rows).T
    users, user = Vocabulary.of(user)
    items, item = Vocabulary.of(item)
    return Interactions(
        user, item, np.ones(len(user)), day * DAY, np.arange(len(user)), users, items, part=part
    )


def splitter(recipe: dict[str, Any], **options: object) -> Splitter:
    made: Splitter = TypeAdapter(AnySplit).validate_python(recipe | options)
    return made


def divided(recipe: dict[str, Any], rows: list[Event], **options: object) -> Split | None:
    """The split, or None where the rows are too few for it."""
    try:
        return splitter(recipe, **options).split(interactions(rows))
    except SplitError:
        return None


def events(part: Interactions) -> list[tuple[int, ...]]:
    assert part.time is not None
    ids = (part.users.ids[part.user], part.items.ids[part.item], part.time // DAY)
    return sorted(zip(*(column.tolist() for column in ids), strict=True))


@recipes
@given(rows=logs)
def test_no_row_is_in_two_places(recipe: dict[str, Any], rows: list[Event]) -> None:
    split = divided(recipe, rows)
    if split is None:
        return
    test = set(split.test.held_out.row.tolist())
    for stage in split.stages:
        fit, history, held = (
            set(part.row.tolist()) for part in (stage.fit, stage.history, stage.held_out)
        )
        assert held
        assert fit
        assert not held & (fit | history)
        if stage is not split.test:
            assert not test & (fit | history | held)
        if recipe.get("new_users") != "count":
            assert set(stage.held_out.user) <= set(stage.history.user)
        assert split.rows[stage.name] == len(held)
    assert split.rows["train"] == len(split.stages[0].fit)


@pytest.mark.parametrize("name", PER_USER)
@given(rows=logs)
def test_nothing_of_a_user_s_future_is_in_their_past(name: str, rows: list[Event]) -> None:
    split = divided(RECIPES[name], rows)
    for stage in split.stages if split else ():
        for user in set(stage.held_out.user):
            past = stage.history.time[stage.history.user == user]
            assert past.max() <= stage.held_out.time[stage.held_out.user == user].min()


@pytest.mark.parametrize("name", ["by time", "by time, in folds", "by time, counted"])
@given(rows=logs)
def test_nothing_after_the_cutoff_is_learnt_from(name: str, rows: list[Event]) -> None:
    split = divided(RECIPES[name], rows)
    if split is None:
        return
    newest = max(day for _, _, day, _ in rows)
    begins = (newest - RECIPES[name]["test"]) * DAY
    assert (split.test.fit.time < begins).all()
    assert (split.test.held_out.time >= begins).all()
    for stage in split.validation:
        assert stage.fit.time.max() < stage.held_out.time.min()
        assert stage.held_out.time.max() < begins


@pytest.mark.parametrize("name", ["by user", "by user, in time"])
@given(rows=logs)
def test_held_out_users_are_not_learnt_from(name: str, rows: list[Event]) -> None:
    split = divided(RECIPES[name], rows)
    for stage in split.stages if split else ():
        assert not set(stage.held_out.user) & set(stage.fit.user)
        whole = np.isin(interactions(rows).user, list(set(stage.held_out.user)))
        asked = len(stage.held_out)
        given_rows = np.isin(stage.history.user, list(set(stage.held_out.user))).sum()
        assert whole.sum() == asked + given_rows


@recipes
@given(rows=logs, chance=st.integers(0, 9))
def test_the_order_of_rows_is_nothing_where_times_do_not_tie(
    recipe: dict[str, Any], rows: list[Event], chance: int
) -> None:
    rows = [(user, item, day, part) for day, (user, item, _, part) in enumerate(rows)]
    order = np.random.default_rng(chance).permutation(len(rows))
    shuffled = [rows[place] for place in order]
    one, other = divided(recipe, rows), divided(recipe, shuffled)
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    for stage, again in zip(one.stages, other.stages, strict=True):
        assert events(stage.fit) == events(again.fit)
        assert events(stage.history) == events(again.history)
        assert events(stage.held_out) == events(again.held_out)


@recipes
@given(rows=logs)
def test_options_leave_out_what_they_say(recipe: dict[str, Any], rows: list[Event]) -> None:
    whole = divided(recipe, rows)
    novel = divided(recipe, rows, novel_only=True)
    if whole is None:
        return
    assert "novel_only = true" not in " ".join(whole.dropped)
    for stage in novel.stages if novel else ():
        pairs = set(zip(stage.history.user, stage.history.item, strict=True))
        assert not pairs & set(zip(stage.held_out.user, stage.held_out.item, strict=True))
    if recipe["kind"] == "by_item":
        return
    known = divided(recipe, rows, cold_items="drop")
    for stage, full in zip(known.stages, whole.stages, strict=True) if known else ():
        assert set(stage.held_out.item) <= set(stage.fit.item)
        assert stage.fit.row.tolist() == full.fit.row.tolist()
        left = len(full.held_out) - len(stage.held_out)
        reason = f'{stage.name}: cold_items = "drop"'
        assert known.dropped.get(reason, 0) == left
    new = divided(recipe, rows, cold_items="only")
    for stage, full in zip(new.stages, whole.stages, strict=True) if new else ():
        cold = ~np.isin(full.held_out.item, full.fit.item)
        assert stage.held_out.row.tolist() == full.held_out.row[cold].tolist()


@recipes
@given(rows=logs, least=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_a_core_is_what_remains_of_plain_pruning(
    recipe: dict[str, Any], rows: list[Event], least: tuple[int, int]
) -> None:
    left = list(rows)
    while True:
        pairs = {row[:2] for row in left}
        users = [user for user, _ in pairs]
        items = [item for _, item in pairs]
        keep = [
            row
            for row in left
            if users.count(row[0]) >= least[0] and items.count(row[1]) >= least[1]
        ]
        if len(keep) == len(left):
            break
        left = keep
    split = divided(recipe, rows, min_user=least[0], min_item=least[1])
    if split is None:
        return
    read = {row for stage in split.stages for row in (*stage.fit.row, *stage.held_out.row)}
    assert {rows[row] for row in read} <= set(left)
    assert split.test.fit.steps[-1].rows == len(left)


@given(rows=logs, since=st.integers(0, 9), until=st.integers(1, 10))
def test_a_window(rows: list[Event], since: int, until: int) -> None:
    dates = {"since": f"1970-01-{since + 1:02}", "until": f"1970-01-{until + 1:02}"}
    inside = [row for row in rows if since <= row[2] < until]
    one, other = divided(RECIPES["leave one out"], rows, **dates), None
    if inside:
        other = divided(RECIPES["leave one out"], inside)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert events(one.test.fit) == events(other.test.fit)
        assert events(one.test.held_out) == events(other.test.held_out)
        assert [step.rows for step in one.test.fit.steps] == [len(rows), len(inside)]


def test_the_newest_row_may_be_before_1970() -> None:
    rows = [(user, item, item - 400, 0) for user in range(2) for item in range(10)]
    split = divided({"kind": "by_time", "test": 3, "validation": 2}, rows)
    assert split is not None
    assert {day for _, _, day in events(split.test.held_out)} == {-394, -393, -392, -391}


@recipes
@given(rows=logs, cold=st.sampled_from(["miss", "candidates", "only"]))
def test_candidates_are_the_fitted_items_or_new_ones(
    recipe: dict[str, Any], rows: list[Event], cold: str
) -> None:
    if recipe["kind"] == "by_item" and cold == "miss":
        return
    split = divided(recipe, rows, cold_items=cold)
    for name, stage in split.view(Feedback()).items() if split else ():
        ((fit, held),) = ((x.fit, x.held_out) for x in split.stages if x.name == name)
        wanted = set() if cold == "only" else set(fit.item)
        wanted |= set() if cold == "miss" else set(held.item)
        assert set(np.flatnonzero(stage.candidates)) == wanted


@pytest.mark.parametrize("name", ["by item", "by item, among all"])
@given(rows=logs)
def test_held_out_items_are_not_learnt_from(name: str, rows: list[Event]) -> None:
    split = divided(RECIPES[name], rows)
    for stage in split.stages if split else ():
        new = set(stage.held_out.item)
        assert not new & set(stage.fit.item)
        coded, known = interactions(rows), set(stage.fit.user)
        pairs = zip(coded.user, coded.item, strict=True)
        wanted = [row for row, (user, item) in enumerate(pairs) if user in known and item in new]
        assert stage.held_out.row.tolist() == wanted


def test_what_may_be_recommended_is_part_of_a_split() -> None:
    rows = [(user, item, item, 0) for user in range(4) for item in range(7)]
    recipe = {"kind": "by_item", "test": 2, "validation": 1}
    splits = [divided(recipe, rows, cold_items=cold) for cold in ("only", "candidates")]
    assert len({split.rows_fingerprint for split in splits if split}) == 2


def test_items_that_cannot_be_held_out() -> None:
    rows = [(0, item, item, 0) for item in range(3)]
    for amounts in ({"test": 2, "validation": 1}, {"test": 0.1}):
        with pytest.raises(SplitError, match="cannot be held out of 3, with one left"):
            splitter({"kind": "by_item", **amounts}).split(interactions(rows))


def test_days_back_count_from_the_newest_row_left() -> None:
    rows = [(0, item, item, 0) for item in range(10)]
    split = divided(RECIPES["leave one out"], rows, since=3, until="1970-01-08")
    assert split is not None
    assert events(split.test.fit) == [(0, 3, 3), (0, 4, 4), (0, 5, 5)]
    assert [(step.rule, step.rows) for step in split.test.fit.steps] == [
        ("rows read", 10),
        ("outside since 3 days back, until 1970-01-08T00:00:00", 4),
    ]


@recipes
def test_rows_without_times(recipe: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    rows = interactions([tuple(event) for event in rng.integers(0, [5, 7, 10, 3], (60, 4))])
    bare = Interactions(
        rows.user, rows.item, rows.value, None, rows.row, rows.users, rows.items, part=rows.part
    )
    made = splitter(recipe)
    if made.kind in {"random_per_user", "predefined", "by_item"} or recipe == RECIPES["by user"]:
        assert len(made.split(bare).test.held_out)
    else:
        with pytest.raises(DataError, match="no time column"):
            made.split(bare)
    with pytest.raises(DataError, match="no time column"):
        splitter(recipe, since="1970-01-02").split(bare)


@recipes
def test_settings_come_back_from_json(recipe: dict[str, Any]) -> None:
    made = splitter(recipe, since="2024-05-01", until="2024-06-01T12:00:00+02:00")
    assert made.until == "2024-06-01T10:00:00"
    again = TypeAdapter(AnySplit).validate_json(made.model_dump_json(), strict=True)
    assert again == made
    assert TypeAdapter(AnySplit).validate_python(made.model_dump()) == made


def test_another_seed_draws_others() -> None:
    rng = np.random.default_rng(0)
    rows = [tuple(event) for event in rng.integers(0, [5, 7, 10, 3], (60, 4))]
    for name in ("random", "by user"):
        drawn = {
            tuple(divided(RECIPES[name], rows, seed=seed).test.held_out.row) for seed in range(5)
        }
        assert len(drawn) > 1
        assert tuple(divided(RECIPES[name], rows).test.held_out.row) in drawn


def test_folds_of_random_rows_share_the_test() -> None:
    rng = np.random.default_rng(0)
    rows = [tuple(event) for event in rng.integers(0, [5, 7, 10, 3], (60, 4))]
    split = divided(RECIPES["random, in folds"], rows)
    held = [set(stage.held_out.row) for stage in split.validation]
    assert held[0] != held[1] != held[2]
    assert len(held[0]) == len(held[1]) == len(held[2]) == 5
    assert len(split.test.fit) + len(split.test.held_out) == 60
