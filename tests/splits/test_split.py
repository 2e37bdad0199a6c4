from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cfexp.data.feedback import Feedback
from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import SplitError
from cfexp.splits.invariants import check_no_future
from cfexp.splits.per_user_last import PerUserLast
from cfexp.splits.split import Split, Stage
from cfexp.splits.stage_data import load_stages, save_stages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rows() -> Interactions:
    rng = np.random.default_rng(0)
    users, items = Vocabulary(np.arange(20)), Vocabulary(np.arange(50))
    return Interactions(
        user=np.repeat(np.arange(20), 15),
        item=np.concatenate([rng.permutation(50)[:15] for _ in range(20)]),
        value=rng.integers(1, 6, 300),
        time=rng.integers(0, 100, 300),
        row=np.arange(300),
        users=users,
        items=items,
    )


def test_stage_refuses_overlap_emptiness_and_strangers(rows: Interactions) -> None:
    first, rest, none = rows.select(rows.user == 0), rows.select(rows.user > 0), rows.select([])
    for fit, history in ((rows, rest), (rest, rows)):
        with pytest.raises(SplitError, match=r"15 rows are both in .* and held out"):
            Stage("test", fit, history, first)
    with pytest.raises(SplitError, match="holds out no rows"):
        Stage("test", rest, rest, none)
    with pytest.raises(SplitError, match="1 held-out users have no history"):
        Stage("test", rest, rest, first)


def test_no_future_in_the_past(rows: Interactions) -> None:
    order = rows.by_user_and_time
    late = np.zeros(300, bool)
    late[order[14::15]] = True
    check_no_future(Stage("test", rows.select(~late), rows.select(~late), rows.select(late)))
    early = np.zeros(300, bool)
    early[order[0]] = True
    with pytest.raises(SplitError, match=r"the history of 1 users .* user 0"):
        check_no_future(Stage("x", rows.select(~early), rows.select(~early), rows.select(early)))


def test_rows_of_one_time_go_by_input_order(rows: Interactions) -> None:
    ties = Interactions(
        rows.user, rows.item, rows.value, np.zeros(300), rows.row, rows.users, rows.items
    )
    last = np.arange(300) % 15 == 14
    first = np.arange(300) % 15 == 0
    check_no_future(Stage("x", ties.select(~last), ties.select(~last), ties.select(last)))
    with pytest.raises(SplitError, match="the history of 20 users"):
        check_no_future(Stage("x", ties.select(~first), ties.select(~first), ties.select(first)))


def test_validation_may_not_read_test_rows(rows: Interactions) -> None:
    split = PerUserLast().split(rows)
    leaking = Stage("validation", split.test.fit, split.test.fit, split.test.held_out)
    swapped = Stage(
        "test", split.validation[0].fit, split.validation[0].fit, split.validation[0].held_out
    )
    with pytest.raises(SplitError, match="test rows are in its fit"):
        Split((leaking,), swapped, {}, {})
    with pytest.raises(SplitError, match="distinct names"):
        Split((split.test,), split.test, {}, {})


def test_fingerprint_is_of_rows_and_settings(rows: Interactions) -> None:
    assert PerUserLast().split(rows).fingerprint == PerUserLast().split(rows).fingerprint
    assert PerUserLast(test=4).split(rows).fingerprint != PerUserLast().split(rows).fingerprint


def test_view_needs_a_positive_among_the_held_out(rows: Interactions) -> None:
    with pytest.raises(SplitError, match="positive_from = 6"):
        PerUserLast().split(rows).view(Feedback(positive_from=6))


def test_view(rows: Interactions) -> None:
    split = PerUserLast().split(rows)
    feedback = Feedback(positive_from=3)
    stage = split.view(feedback)["test"]
    assert stage.history is stage.training.positives
    assert set(stage.relevant.data.tolist()) == {1}
    assert (stage.users == np.flatnonzero(stage.relevant.toarray().any(axis=1))).all()
    assert (stage.candidates == stage.seen.toarray().any(axis=0)).all()
    alone = split.test.view(feedback)
    assert (alone.relevant.toarray() == stage.relevant.toarray()).all()


@pytest.mark.parametrize("fit_for_test", ["train", "train+validation"])
def test_stages_come_back_as_saved(tmp_path: Path, rows: Interactions, fit_for_test: str) -> None:
    split = PerUserLast(fit_for_test=fit_for_test).split(rows)
    saved = split.view(Feedback(positive_from=3))
    save_stages(saved.values(), tmp_path / "stages")
    loaded = load_stages(tmp_path / "stages")
    assert list(loaded) == ["validation", "test"]
    for name, stage in saved.items():
        other = loaded[name]
        for matrix in ("history", "seen", "relevant"):
            a, b = getattr(stage, matrix), getattr(other, matrix)
            assert (a.toarray() == b.toarray()).all()
            assert a.shape == b.shape
            assert (a.dtype, a.indices.dtype) == (b.dtype, b.indices.dtype)
        for part in ("rank", "age", "idle"):
            assert (getattr(other.history, part) == getattr(stage.history, part)).all()
            assert getattr(other.history, part).dtype == getattr(stage.history, part).dtype
        assert (other.candidates == stage.candidates).all()
        assert (other.training.by_item.rank == stage.training.by_item.rank).all()
        assert "by_item" in vars(other.training)
        assert (other.training.by_item.toarray() == stage.training.by_item.toarray()).all()
        assert other.history is other.training.positives
    shared = loaded["test"].training is loaded["validation"].training
    assert shared == (fit_for_test == "train")


def test_equal_arrays_are_written_once(tmp_path: Path, rows: Interactions) -> None:
    split = PerUserLast(fit_for_test="train").split(rows)
    feedback = Feedback(values="ones")
    separate = [stage.view(feedback) for stage in split.stages]  # equal, not the same
    save_stages(separate, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    # fit = history; seen, which has no recency; the transpose; what is relevant in each stage
    assert len(manifest["matrices"]) == 5
    loaded = load_stages(tmp_path)
    assert loaded["test"].training is loaded["validation"].training
    assert np.shares_memory(loaded["test"].seen.indices, loaded["test"].history.indices)


def test_what_is_loaded_does_not_write_back(tmp_path: Path, rows: Interactions) -> None:
    save_stages(PerUserLast().split(rows).view(Feedback()).values(), tmp_path)
    load_stages(tmp_path)["test"].seen.data[:] = 9
    assert set(load_stages(tmp_path)["test"].seen.data.tolist()) == {1}
