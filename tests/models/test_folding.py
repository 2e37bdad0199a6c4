"""Users to come: from a list of item ids to the scores that a known user would have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cfexp.data.feedback import Feedback
from cfexp.data.interactions import Interactions
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError
from cfexp.models.als import ALS
from cfexp.models.content import Content
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.nmf import NMF
from cfexp.models.popularity import Popularity
from cfexp.models.random import Random
from cfexp.models.repeat_last import RepeatLast
from cfexp.models.saved import load
from cfexp.models.svd import PureSVD

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.models.model import MaskName, Model
    from cfexp.models.saved_model import SavedModel

DAY = 86_400_000_000
N_USERS, N_ITEMS = 60, 25
MODELS = [
    ALS(factors=6, epochs=3, alpha=2.0),
    ALS(factors=6, epochs=2, confidence="log", epsilon="user_mean", nu=0.5),
    ALS(factors=6, epochs=2, recency=4, scoring_recency=8, recency_scale=3),
    ALS(factors=6, epochs=2, recency=4, recency_by="age", recency_scale=5),
    Content(alpha=3.0, recency=4),
    EASE(regularization=5, recency=2),
    EASE(binary=False, recency=2, recency_by="age"),
    ItemKNN(neighbours=8, weighting="bm25"),
    ItemKNN(binary=False, recency=3),
    NMF(factors=4, binary=False),
    Popularity(),
    PureSVD(factors=5, binary=False),
    Random(),
    RepeatLast(),
]
RULES = [
    Feedback(duplicates="sum"),
    Feedback(positive_from=3),
    Feedback(positive_from=3, values="ones", duplicates="sum"),
]


@pytest.fixture(scope="module")
def rows() -> Interactions:
    """Rows in no order, with pairs that come again, at times of their own."""
    rng = np.random.default_rng(5)
    n = 1500
    return Interactions(
        user=rng.integers(0, N_USERS, n),
        item=rng.integers(0, N_ITEMS, n) * rng.integers(0, 2, n),
        value=rng.integers(1, 6, n),
        time=rng.permutation(n) * DAY // 7,
        row=np.arange(n),
        users=Vocabulary(np.array([f"u{code:02}" for code in range(N_USERS)], object)),
        items=Vocabulary(np.arange(N_ITEMS) * 10),
    )


def saved_as(
    rows: Interactions, model: Model, feedback: Feedback, path: Path, mask: MaskName = "interacted"
) -> SavedModel:
    features = ItemFeatures.of(np.random.default_rng(1).normal(size=(N_ITEMS, 4)))
    scorer = model.fit(TrainingData(feedback.positives(rows), features), rng=0)
    ids = {"users": rows.users, "items": rows.items}
    scorer.save(path, **ids, seen=feedback.seen(rows), mask=mask, feedback=feedback)
    return load(path)


def pasts(rows: Interactions, users: list[int]) -> dict[str, list[list[Any]]]:
    """What users had, oldest first, as somebody who calls the model has it."""
    parts: dict[str, list[list[Any]]] = {"histories": [], "values": [], "times": []}
    for user in users:
        own = rows.select(rows.user == user)
        own = own.select(own.by_user_and_time)
        assert own.time is not None
        parts["histories"].append(rows.items.ids[own.item].tolist())
        parts["values"].append(own.value.tolist())
        parts["times"].append((own.time / 1e6).tolist())
    return parts


@pytest.mark.parametrize("feedback", RULES, ids=repr)
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_known_user_s_rows_give_the_known_user_s_list(
    model: Model, feedback: Feedback, rows: Interactions, tmp_path: Path
) -> None:
    saved = saved_as(rows, model, feedback, tmp_path / "m.npz")
    users = [4, 17, 0]
    names = rows.users.ids[users].tolist()
    for filter_seen in (None, True, False):
        known = saved.recommend(names, 12, filter_seen=filter_seen)
        folded = saved.recommend_from(
            **pasts(rows, users), k=12, users=names, filter_seen=filter_seen
        )
        assert folded[["user", "rank", "item"]].equals(known[["user", "rank", "item"]])
        np.testing.assert_allclose(folded["score"], known["score"], rtol=1e-6, atol=1e-7)


def test_times_only_order_a_history_where_nothing_fades_by_age(
    rows: Interactions, tmp_path: Path
) -> None:
    saved = saved_as(rows, MODELS[2], RULES[0], tmp_path / "m.npz")
    whole = pasts(rows, [3])
    timed = saved.recommend_from(**whole)
    backwards = {name: [part[0][::-1]] for name, part in whole.items()}
    assert saved.recommend_from(**backwards).equals(timed)
    del whole["times"], backwards["times"]
    assert saved.recommend_from(**whole).equals(timed)
    assert not saved.recommend_from(**backwards).equals(timed)


def test_a_model_that_fades_by_age_says_that_it_needs_times(
    rows: Interactions, tmp_path: Path
) -> None:
    saved = saved_as(rows, MODELS[3], RULES[0], tmp_path / "m.npz")
    assert saved.needs_times
    with pytest.raises(DataError, match="give the times of its items"):
        saved.recommend_from([[10, 20]])
    assert len(saved.recommend_from([[10, 20]], times=[["2020-01-01", "2020-01-05"]])) == 10


def test_what_is_left_out_follows_the_mask(rows: Interactions, tmp_path: Path) -> None:
    feedback = Feedback(positive_from=3)
    everything = set(rows.items.ids[np.unique(rows.item)].tolist())
    history, values = [[10, 20, 30]], [[5, 1, 4]]  # 20 was seen and not liked
    left_out: dict[MaskName, set[int]] = {
        "interacted": {10, 20, 30},
        "positives": {10, 30},
        "none": set(),
    }
    for mask, hidden in left_out.items():
        saved = saved_as(rows, Popularity(), feedback, tmp_path / f"{mask}.npz", mask)
        given = saved.recommend_from(history, 25, values=values)
        assert everything - set(given["item"]) == hidden
        given = saved.recommend_from(history, 25, values=values, filter_seen=True)
        assert everything - set(given["item"]) == {10, 20, 30}


def test_without_values_a_history_holds_positives(rows: Interactions, tmp_path: Path) -> None:
    saved = saved_as(rows, MODELS[0], Feedback(positive_from=3), tmp_path / "m.npz")
    plain = saved.recommend_from([[10, 20]])
    assert plain.equals(saved.recommend_from([[10, 20]], values=[[3, 3]]))
    assert plain["user"].tolist() == [0] * 10


def test_items_that_the_model_does_not_know_are_left_out(
    rows: Interactions, tmp_path: Path
) -> None:
    saved = saved_as(rows, MODELS[0], RULES[0], tmp_path / "m.npz")
    some = saved.recommend_from([[99999, 10, 5, 20]], values=[[7, 1, 7, 2]])
    assert some.equals(saved.recommend_from([[10, 20]], values=[[1, 2]]))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"histories": [[10], []]}, "history 2 is empty"),
        ({"histories": [[]], "users": ["bob"]}, "the history of user 'bob' is empty"),
        ({"histories": [[11, 12, 13, 14]]}, r"no item that the model knows: 11, 12, 13, \.\.\."),
        ({"histories": [["10"]]}, "that it knows are numbers, such as 0"),
        ({"histories": [[[10]]]}, "a list of item ids"),
        ({"histories": [[10, 20]], "values": [[1]]}, "has 2 items and 1 values"),
        ({"histories": [[10]], "values": [["many"]]}, "values of a history are numbers"),
        ({"histories": [[10]], "values": [[-1]]}, "not negative"),
        ({"histories": [[10]], "values": [[2]]}, r"holds no positive \(a value >= 3\)"),
        ({"histories": [[10], [20]], "times": [[1], None]}, "of every history, or of none"),
        ({"histories": [[10]], "times": [["yesterday"]]}, "or ISO 8601, not 'yesterday'"),
    ],
)
def test_histories_that_say_nothing(
    asked: dict[str, Any], words: str, rows: Interactions, tmp_path: Path
) -> None:
    saved = saved_as(rows, Popularity(), Feedback(positive_from=3), tmp_path / "m.npz")
    with pytest.raises(DataError, match=words):
        saved.recommend_from(**asked)


def test_a_model_of_a_plain_matrix_knows_no_order(rows: Interactions, tmp_path: Path) -> None:
    matrix = RULES[0].positives(rows).matrix
    ALS(factors=4, epochs=2, recency=5).fit(matrix, 0).save(tmp_path / "m.npz")
    saved = load(tmp_path / "m.npz")
    row = matrix[[7]]
    folded = saved.recommend_from([row.indices.tolist()], values=[row.data.tolist()])
    known = saved.recommend([7])
    assert folded["item"].tolist() == known["item"].tolist()
    np.testing.assert_allclose(folded["score"], known["score"], rtol=1e-6)


@pytest.mark.parametrize(
    ("histories", "more", "words"),
    [
        ([1, 2, 3], {}, "history 1 is not a list of item ids, but 1"),
        (["abc"], {}, "not a list of item ids, but 'abc'"),
        ([[1], [2]], {"users": ["ann"]}, "2 histories and 1 entries of users"),
        ([[1]], {"values": [[1.0], [2.0]]}, "1 histories and 2 entries of values"),
        ([[1]], {"times": []}, "1 histories and 0 entries of times"),
    ],
)
def test_what_is_no_history_is_named(
    rows: Interactions, tmp_path: Path, histories: list[Any], more: dict[str, Any], words: str
) -> None:
    feedback = Feedback(duplicates="sum")
    scorer = Popularity().fit(feedback.positives(rows).matrix)
    scorer.save(tmp_path / "model.npz", items=rows.items)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "model.npz").recommend_from(histories, **more)
