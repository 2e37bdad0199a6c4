from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import EvaluationError, InputError, TrainingError
from cfexp.metrics.averages import average, over_folds
from cfexp.metrics.classes import ItemClasses
from cfexp.metrics.evaluate import evaluate
from cfexp.metrics.evaluation import Evaluation
from cfexp.metrics.lists import Shelf
from cfexp.metrics.metric import Metric
from cfexp.models.popularity import Popularity
from cfexp.models.scorer import Scorer
from cfexp.ranking import ExactRanks
from cfexp.splits.stage_data import StageData
from cfexp.splits.stage_users import StageUsers

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import Matrix
    from cfexp.models.model import MaskName

N_USERS, N_ITEMS = 40, 30
METRICS = ("ndcg@5", "recall@10", "recall@5", "coverage@5", "avg_popularity@5")


class ItemItem(Scorer):
    """Scores by a fixed items x items matrix, from the history alone."""

    def __init__(self, similarity: np.ndarray) -> None:
        self.similarity = similarity

    @property
    def n_items(self) -> int:
        return len(self.similarity)

    def queries(self, history: Matrix) -> np.ndarray:
        return history.toarray()

    def scores(self, queries: np.ndarray) -> np.ndarray:
        return np.asarray(queries @ self.similarity, np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, model: object, history: object, arrays: object) -> ItemItem:
        raise NotImplementedError


def matrix(dense: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(dense.astype(np.float32))


@pytest.fixture
def scorer() -> ItemItem:
    return ItemItem(np.random.default_rng(1).random((N_ITEMS, N_ITEMS), np.float32))


@pytest.fixture
def stage() -> StageData:
    rng = np.random.default_rng(2)
    seen = rng.random((N_USERS, N_ITEMS)) < 0.3
    seen[:, 0], seen[:, 1] = True, False  # everyone has a history; item 1 is in none
    history = seen & (rng.random(seen.shape) < 0.7)
    history[:, 0] = True
    relevant = ~seen & (rng.random(seen.shape) < 0.1)
    relevant[3] = False
    relevant[4, 1] = True
    return StageData(
        name="test",
        training=TrainingData(Positives(matrix(history))),
        history=Positives(matrix(history)),
        seen=matrix(seen),
        relevant=matrix(relevant),
        candidates=seen.any(axis=0),
    )


def by_hand(stage: StageData, scorer: ItemItem, hidden: np.ndarray) -> dict[str, float]:
    """The definitions once more, in plain loops."""
    history, relevant = stage.history.toarray(), stage.relevant.toarray() > 0
    candidates = stage.seen.toarray().any(axis=0)
    popularity = history.astype(bool).sum(axis=0)
    ndcg, recall5, recall10, popular, shown = [], [], [], [], set()
    for user in range(N_USERS):
        wanted = set(np.flatnonzero(relevant[user]).tolist())
        if not wanted:
            continue
        scores = history[user] @ scorer.similarity
        allowed = [item for item in range(N_ITEMS) if candidates[item] and not hidden[user, item]]
        ranked = sorted(allowed, key=lambda item: (-scores[item], item))
        gains = [1 / math.log2(rank + 2) for rank, item in enumerate(ranked[:5]) if item in wanted]
        best = sum(1 / math.log2(rank + 2) for rank in range(min(5, len(wanted))))
        ndcg.append(sum(gains) / best)
        recall5.append(len(wanted & set(ranked[:5])) / len(wanted))
        recall10.append(len(wanted & set(ranked[:10])) / len(wanted))
        popular.append(np.mean([popularity[item] for item in ranked[:5]]))
        shown |= set(ranked[:5])
    return {
        "ndcg@5": float(np.mean(ndcg)),
        "recall@10": float(np.mean(recall10)),
        "recall@5": float(np.mean(recall5)),
        "coverage@5": len(shown) / int(candidates.sum()),
        "avg_popularity@5": float(np.mean(popular)),
        "users": len(ndcg),
    }


@pytest.mark.parametrize("mask", ["interacted", "positives", "none"])
def test_agrees_with_plain_loops(stage: StageData, scorer: ItemItem, mask: MaskName) -> None:
    hidden = {
        "interacted": stage.seen.toarray() > 0,
        "positives": stage.history.toarray() > 0,
        "none": np.zeros((N_USERS, N_ITEMS), bool),
    }[mask]
    found = evaluate(scorer, stage, METRICS, mask=mask, threads=1)
    assert found.means() == pytest.approx(by_hand(stage, scorer, hidden), abs=1e-12)


def test_means_follow_from_users(stage: StageData, scorer: ItemItem) -> None:
    found = evaluate(scorer, stage, METRICS)
    assert 3 not in found.users
    assert found.means()["ndcg@5"] == found.values("ndcg@5").mean()
    counted = stage.seen.toarray().astype(bool).sum(axis=1)[found.users]
    np.testing.assert_array_equal(found.activity["train_interactions"], counted)
    counted = stage.history.toarray().astype(bool).sum(axis=1)[found.users]
    np.testing.assert_array_equal(found.activity["train_positives"], counted)


def test_threads_and_subsets_change_no_user(stage: StageData, scorer: ItemItem) -> None:
    whole = evaluate(scorer, stage, METRICS, threads=1)
    again = evaluate(scorer, stage, METRICS, threads=2)
    np.testing.assert_array_equal(whole.items, again.items)
    chosen = np.array([7, 3, 5], np.int32)
    some = evaluate(scorer, stage, METRICS, users=chosen)
    expected = [user for user in (5, 7) if user in whole.users]
    np.testing.assert_array_equal(some.users, expected)
    rows = np.searchsorted(whole.users, some.users)
    np.testing.assert_array_equal(some.values("ndcg@5"), whole.values("ndcg@5")[rows])


def test_what_does_not_change_is_worked_out_once(stage: StageData, scorer: ItemItem) -> None:
    given: list[object] = []

    class Noting(ItemItem):
        def queries(self, history: Matrix) -> np.ndarray:
            given.append(history)
            return super().queries(history)

    metrics = ["serendipity@5", "serendipity@10", "recall@5"]
    found = [
        evaluate(Noting(scorer.similarity), stage, metrics, mask=mask).means()
        for mask in ("interacted", "positives", "interacted")
    ]
    assert given[0] is given[1] is given[2]
    shelves = [one for one in stage.known.values() if isinstance(one, Shelf)]
    assert len(shelves) == 2
    assert found[0] == found[2]
    fresh = dataclasses.replace(stage)
    assert evaluate(scorer, fresh, metrics, mask="interacted").means() == found[0]
    assert evaluate(scorer, fresh, metrics, mask="positives").means() == found[1]
    some = evaluate(scorer, fresh, metrics, users=stage.users[:7])
    assert len(some) == 7
    assert len(fresh.known) == 2


def test_of_all_users_nothing_is_copied(stage: StageData) -> None:
    everybody = StageUsers(stage, np.arange(N_USERS, dtype=np.int32))
    assert everybody.history is stage.history
    assert everybody.seen is stage.seen
    assert everybody.relevant is stage.relevant


def test_lists_of_one_score_are_counted(stage: StageData) -> None:
    similarity = np.zeros((N_ITEMS, N_ITEMS))
    first, *_ = stage.users  # all but this user have something else in their list
    own = stage.history.toarray()[first] > 0
    similarity[~own] = np.arange(N_ITEMS)
    others = stage.history.toarray()[stage.users][:, ~own].any(axis=1)
    found = evaluate(ItemItem(similarity), stage, ["ndcg@5"], mask="none")
    assert found.tied == pytest.approx(1 - others.mean())
    assert 0 < found.tied < 1
    assert evaluate(ItemItem(0 * similarity), stage, ["ndcg@5"]).tied == 1
    assert evaluate(ItemItem(0 * similarity), stage, ["ndcg@1"]).tied == 0, "one item has no order"


def test_classes_are_measured_as_deep_as_their_metric(stage: StageData, scorer: ItemItem) -> None:
    codes = np.arange(N_ITEMS) % 2

    def halves(metric: str) -> ItemClasses:
        return ItemClasses(Metric.parse(metric), "half", ("even", "odd"), codes)

    deep = evaluate(scorer, stage, ["recall@20"], classes=[halves("recall@20")])
    shallow = evaluate(scorer, stage, ["recall@5"], classes=[halves("recall@20")])
    assert list(shallow.class_numerators) == ["recall@20/half/even", "recall@20/half/odd"]
    for name, hits in deep.class_numerators.items():
        np.testing.assert_array_equal(shallow.class_numerators[name], hits)
    assert shallow.means() == evaluate(scorer, stage, ["recall@5"]).means()
    for metric in ("auc", "coverage@5"):
        with pytest.raises(TypeError, match=f"{metric} is not computed from each user's list"):
            evaluate(scorer, stage, ["recall@5"], classes=[halves(metric)])


def test_a_relevant_item_that_is_hidden_is_refused(stage: StageData, scorer: ItemItem) -> None:
    repeated = StageData(
        name="validation",
        training=stage.training,
        history=stage.history,
        seen=stage.seen,
        relevant=stage.seen,
        candidates=stage.candidates,
    )
    expected = rf"{stage.seen.nnz} of {stage.seen.nnz} relevant .*mask = \"none\".*novel_only"
    with pytest.raises(EvaluationError, match=expected):
        evaluate(scorer, repeated, ["ndcg@5"])
    assert evaluate(scorer, repeated, ["ndcg@5"], mask="none").means()["ndcg@5"] > 0


def test_nothing_to_measure_is_an_error(stage: StageData, scorer: ItemItem) -> None:
    with pytest.raises(EvaluationError, match="among the 1 asked for has a relevant item"):
        evaluate(scorer, stage, ["ndcg@5"], users=np.array([3], np.int32))
    with pytest.raises(EvaluationError, match="no metric"):
        evaluate(scorer, stage, [])
    with pytest.raises(InputError, match="did you mean 'ndcg'"):
        evaluate(scorer, stage, ["ndgc@5"])


def test_saved_and_loaded(stage: StageData, scorer: ItemItem, tmp_path: Path) -> None:
    found = evaluate(scorer, stage, METRICS)
    path = tmp_path / "vectors" / "run-test.npz"
    found.save(path)
    loaded = Evaluation.load(path)
    assert (loaded.stage, loaded.means()) == ("test", found.means())
    np.testing.assert_array_equal(loaded.users, found.users)
    for name, counts in found.activity.items():
        np.testing.assert_array_equal(loaded.activity[name], counts)


def test_unknown_values_name_the_choices(stage: StageData, scorer: ItemItem) -> None:
    found = evaluate(scorer, stage, METRICS)
    with pytest.raises(EvaluationError, match=r"'ndcg@10'; it has ndcg@5, .*did you mean 'ndcg@5'"):
        found.values("ndcg@10")


def test_averages_are_taken_user_by_user(stage: StageData, scorer: ItemItem) -> None:
    other = ItemItem(scorer.similarity[::-1].copy())
    pair = [evaluate(one, stage, METRICS) for one in (scorer, other)]
    both = average(pair)
    expected = (pair[0].values("ndcg@5") + pair[1].values("ndcg@5")) / 2
    np.testing.assert_allclose(both.values("ndcg@5"), expected, rtol=1e-15)
    means = [one.means() for one in pair]
    halves = {name: (means[0][name] + means[1][name]) / 2 for name in means[0]}
    assert both.means() == pytest.approx(halves, abs=1e-12)


def test_averages_need_the_same_users(stage: StageData, scorer: ItemItem) -> None:
    whole = evaluate(scorer, stage, METRICS)
    some = evaluate(scorer, stage, METRICS, users=whole.users[:5])
    with pytest.raises(EvaluationError, match="different users"):
        average([whole, some])
    with pytest.raises(EvaluationError, match="no evaluation"):
        average([])


def test_folds_are_averaged_user_by_user(stage: StageData, scorer: ItemItem) -> None:
    whole = evaluate(scorer, stage, METRICS)
    other = evaluate(Popularity().fit(stage.training), stage, METRICS)
    both = over_folds([whole, other], "validation")
    for metric in whole.numerators:
        if metric not in whole.pooled:
            means = [fold.mean(metric) for fold in (whole, other)]
            assert both.mean(metric) == pytest.approx(np.mean(means), rel=1e-12)
    some = evaluate(scorer, stage, METRICS, users=whole.users[3:])
    both = over_folds([some, whole], "validation")
    np.testing.assert_array_equal(both.users, whole.users)
    np.testing.assert_allclose(both.values("ndcg@5"), whole.values("ndcg@5"), rtol=1e-12)
    assert both.denominators["recall@5"][[0, -1]].tolist() == [1, 2]
    assert over_folds([some], "validation") is some
    with pytest.raises(EvaluationError, match="no evaluation"):
        over_folds([], "validation")


def test_folds_name_classes_of_items_by_their_own_counts() -> None:
    def fold(*labels: str) -> Evaluation:
        ones = np.ones(2)
        return Evaluation(
            "fold",
            np.arange(2, dtype=np.int32),
            class_numerators=dict.fromkeys(labels, ones),
            class_denominators=dict.fromkeys(labels, 2 * ones),
        )

    both = over_folds([fold("head (5-9)", "tail (0-4)"), fold("head (6-9)", "tail (0-5)")], "v")
    assert list(both.class_numerators) == ["head (5-9)", "tail (0-4)"]
    np.testing.assert_array_equal(both.class_values("tail (0-4)"), [0.5, 0.5])
    assert both.class_denominators["head (5-9)"].tolist() == [2, 2]
    assert over_folds([fold("a", "b"), fold("a")], "v").class_numerators == {}


def test_pooled_metrics_are_ratios_of_sums(
    stage: StageData, scorer: ItemItem, tmp_path: Path
) -> None:
    found = evaluate(scorer, stage, ["recall_micro@5", "recall@5", "epr"])
    assert found.pooled == {"recall_micro@5", "epr"}
    hits, sizes = found.numerators["recall@5"], found.denominators["recall@5"]
    assert found.means()["recall_micro@5"] == hits.sum() / sizes.sum()
    assert found.means()["recall@5"] == (hits / sizes).mean()
    found.save(tmp_path / "vectors.npz")
    loaded = Evaluation.load(tmp_path / "vectors.npz")
    assert (loaded.pooled, loaded.means()) == (found.pooled, found.means())
    rows = np.arange(0, len(found), 2)
    assert found.mean("recall_micro@5", rows) == hits[rows].sum() / sizes[rows].sum()
    for chosen in (rows, slice(None)):
        for metric in found.numerators:
            mean = found.contributions(metric, chosen).mean()
            assert mean == pytest.approx(found.mean(metric, chosen), abs=1e-12)
    other = evaluate(ItemItem(scorer.similarity[::-1].copy()), stage, ["recall_micro@5", "epr"])
    both = average([found, other])
    assert both.pooled == {"recall_micro@5", "epr"}
    for metric in both.pooled:
        expected = (found.means()[metric] + other.means()[metric]) / 2
        assert both.means()[metric] == pytest.approx(expected, abs=1e-12)


def test_scores_that_are_no_numbers_are_refused_by_exact_ranks(stage: StageData) -> None:
    similarity = np.random.default_rng(1).random((N_ITEMS, N_ITEMS), np.float32)
    broken = ItemItem(np.where(np.arange(N_ITEMS) == 7, np.nan, similarity))
    with pytest.raises(TrainingError, match="not finite"):
        evaluate(broken, stage, ["epr"])


def test_ranks_are_counted_only_where_they_are_asked_for(
    stage: StageData, scorer: ItemItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(wanted: object) -> None:
        raise AssertionError(wanted)

    monkeypatch.setattr(ExactRanks, "of", refused)
    evaluate(scorer, stage, METRICS)
    with pytest.raises(AssertionError):
        evaluate(scorer, stage, ["auc"])
