"""Warm starts, new items, divergence, and what is warned of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.arrays import Matrix
from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import DataError, TrainingError
from cfexp.models.als import ALS
from cfexp.models.als_scorer import AlsScorer
from cfexp.models.sweep import Rows, Side, Whitened

MODEL = ALS(factors=12, alpha=3, regularization=1, epochs=6, momentum=0)


@pytest.fixture(scope="module")
def counts() -> Matrix:
    rng = np.random.default_rng(5)
    share = rng.beta(0.5, 4, size=(200, 1)) * rng.beta(0.7, 2, size=(1, 120)) * 3
    dense = (rng.random((200, 120)) < share) * rng.integers(1, 6, size=(200, 120))
    return sparse.csr_array(dense.astype(np.float32))


@pytest.fixture(scope="module")
def scorer(counts: Matrix) -> AlsScorer:
    return MODEL.fit(counts, rng=0)


def losses(model: ALS, counts: Matrix, **start: object) -> list[float]:
    epochs = model.train(TrainingData.of(counts), np.random.default_rng(0), **start)
    return [float(epoch.loss() or 0) for epoch in epochs]


def test_more_epochs(counts: Matrix, scorer: AlsScorer) -> None:
    through = losses(MODEL.model_copy(update={"epochs": 12}), counts)
    onward = losses(MODEL, counts, start=scorer)
    assert onward[0] < through[5]
    assert onward[-1] == pytest.approx(through[-1], rel=0.01)


@pytest.mark.parametrize("change", [{"alpha": 4}, {"regularization": 1.5}, {"nu": 0.05}])
def test_a_neighbouring_configuration(
    counts: Matrix, scorer: AlsScorer, change: dict[str, float]
) -> None:
    model = ALS(**{**MODEL.model_dump(), **change})
    assert losses(model, counts, start=scorer)[0] < losses(model, counts)[1]


@pytest.mark.parametrize("factors", [8, 20])
def test_another_number_of_factors(counts: Matrix, scorer: AlsScorer, factors: int) -> None:
    model = MODEL.model_copy(update={"factors": factors})
    assert losses(model, counts, start=scorer)[0] < losses(model, counts)[1]


def test_a_changed_matrix(counts: Matrix, scorer: AlsScorer) -> None:
    """Three items are new, two are gone, the others have moved; ten users are new."""
    rng = np.random.default_rng(1)
    kept = rng.permutation(120)[:118]
    extra = (rng.random((200, 3)) < 0.1).astype(np.float32)
    changed = sparse.csr_array(np.hstack([extra, counts.toarray()[:, kept]]))
    changed = sparse.vstack([changed, changed[:10]], format="csr")
    known = np.concatenate([[-1, -1, -1], kept])
    warm = losses(MODEL, changed, start=scorer, known=known)
    assert warm[0] < losses(MODEL, changed)[1]
    with pytest.raises(DataError, match="the start has 120 items and the data 121"):
        losses(MODEL, changed, start=scorer)
    for wrong in (known + 3, known[:5], known / 1):
        with pytest.raises(DataError, match=r"its code in the start, .* `known` has shape \("):
            losses(MODEL, changed, start=scorer, known=wrong)
    with pytest.raises(
        DataError, match=r"200 x 120 and 120 x 200 users x items\); are users and items exchanged"
    ):
        losses(MODEL, sparse.csr_array(counts.T), start=scorer)


@pytest.mark.parametrize("change", [{}, {"nu": 1.0, "regularization": 0.01}])
def test_new_items_go_the_way_of_an_epoch(counts: Matrix, change: dict[str, float]) -> None:
    model = ALS(**{**MODEL.model_dump(), **change, "epochs": 40, "cg_steps": 20})
    scorer = model.fit(counts, rng=0)
    some = np.flatnonzero(np.diff(counts.tocsc().indptr) > 5)[:6]
    again = scorer.fold_in_items(sparse.csr_array(counts.T)[some])
    # after many epochs another half sweep changes little
    np.testing.assert_allclose(again, scorer.item_factors[some], atol=0.02)
    user_factors = scorer.user_factors.astype(np.float64)
    row = counts.toarray()[:, some[0]].astype(np.float64)
    system = user_factors.T @ ((1 + 3 * row)[:, None] * user_factors)
    system += float(model.penalty(int((row > 0).sum()), 200)) * np.eye(12)
    exact = np.linalg.solve(system, user_factors.T @ ((1 + 3 * row) * (row > 0)))
    np.testing.assert_allclose(again[0], exact, rtol=1e-3, atol=1e-4)
    with pytest.raises(DataError, match="the new items have 120 users, the model 200"):
        scorer.fold_in_items(counts)
    with pytest.raises(DataError, match=r"200 x 90 given, .*; are users and items exchanged"):
        ALS(factors=2, epochs=1).fit(counts[:, :90], rng=0).fold_in_items(counts[:, :90])
    with pytest.raises(DataError, match="greater than 0"):
        scorer.fold_in_items(-sparse.csr_array(counts.T))


def test_new_items_share_their_users_means_with_the_training_data(counts: Matrix) -> None:
    model = ALS(factors=6, epochs=3, alpha=3, confidence="log", epsilon="user_mean")
    scorer = model.fit(counts, rng=0)
    columns = sparse.csr_array(counts.T)
    every, some = (scorer.fold_in_items(new) for new in (columns, columns[:7]))
    np.testing.assert_array_equal(some, every[:7])


def test_users_are_solved_once_for_all_new_items(
    counts: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = ALS(factors=6, epochs=1).fit(counts, rng=0)
    solved: list[int] = []
    solve = AlsScorer._solve

    def counted(self: AlsScorer, against: Whitened, rows: Rows) -> Side:
        solved.append(len(rows))
        return solve(self, against, rows)

    monkeypatch.setattr(AlsScorer, "_solve", counted)
    columns = sparse.csr_array(counts.T)
    for n in (5, 3):
        scorer.fold_in_items(columns[:n])
    assert solved == [200, 5, 3]


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_divergence_has_a_reason(counts: Matrix, solver: str) -> None:
    model = ALS(factors=4, alpha=1e38, epochs=3, solver=solver)
    with pytest.raises(TrainingError, match=r"raise the regularization, or lower alpha"):
        losses(model, counts * 1e20)
    model = ALS(factors=4, alpha=1e30, epochs=3, solver=solver)
    with pytest.raises(TrainingError, match=r"raise the regularization, or lower alpha"):
        model.fit(counts, rng=0)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_users_that_cannot_be_solved_have_a_reason(counts: Matrix) -> None:
    scorer = ALS(factors=4, epochs=1, scoring_alpha=3e38).fit(counts, rng=0)
    with pytest.raises(TrainingError, match=r"must be finite, .* lower scoring_alpha"):
        scorer.recommend(np.arange(200))


def test_side_mean_has_no_loss(counts: Matrix) -> None:
    model = ALS(factors=4, epochs=2, confidence="log", epsilon="side_mean")
    *_, last = model.train(TrainingData.of(counts), np.random.default_rng(0))
    assert last.loss() is None
    assert np.isfinite(last.scorer().recommend([1])[1]).all()


def test_what_is_too_much_is_said(counts: Matrix) -> None:
    with pytest.warns(UserWarning, match="130 factors for 200 users and 120 items"):
        ALS(factors=130, epochs=1).fit(counts)
    with pytest.warns(UserWarning, match="more threads than cores"):
        ALS(factors=4, epochs=1).fit(counts, threads=1000)


@pytest.mark.parametrize("name", ["recency", "alpha"])
def test_scoring_weights_are_those_of_training_unless_given(counts: Matrix, name: str) -> None:
    rank = np.concatenate([np.arange(n) for n in np.diff(counts.indptr)]).astype(np.int32)
    data = Positives(counts, rank)
    base = ALS(factors=6, epochs=2, recency=4)
    same = ALS(factors=6, epochs=2, recency=4, **{f"scoring_{name}": getattr(base, name)})
    other = ALS(factors=6, epochs=2, recency=4, **{f"scoring_{name}": 9})
    factors = [model.fit(data, rng=0).user_factors for model in (base, same, other)]
    np.testing.assert_array_equal(factors[0], factors[1])
    assert np.abs(factors[0] - factors[2]).max() > 0.01
    plain = [model.fit(counts, rng=0).user_factors for model in (base, ALS(factors=6, epochs=2))]
    np.testing.assert_array_equal(*plain)
