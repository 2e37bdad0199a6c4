"""What holds for every model there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.errors import DataError
from cfexp.models.als import ALS
from cfexp.models.any_model import AnyModel
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

    from cfexp.arrays import Matrix
    from cfexp.models.model import Model
    from cfexp.models.scorer import Scorer

MODELS = [
    ALS(factors=12, epochs=3),
    ALS(factors=7, epochs=2, solver="cholesky", confidence="log"),
    Content(),
    Content(confidence="log", normalize=True, recency=2),
    EASE(regularization=5),
    EASE(binary=False),
    ALS(factors=9, epochs=2, nu=0.7, recency=3, scoring_recency=9),
    ItemKNN(neighbours=10),
    ItemKNN(weighting="tf_idf", shrinkage=3),
    ItemKNN(binary=False, weighting="bm25", normalization=0),
    NMF(factors=6, iterations=20),
    NMF(factors=5, binary=False),
    Popularity(),
    PureSVD(factors=9),
    PureSVD(factors=9, binary=False),
    Random(),
    RepeatLast(),
]


def fitted(model: Model, matrix: Any, rng: int = 0, **options: Any) -> Scorer:  # noqa: ANN401
    """Return what is fitted on a matrix, with features of its items where the model needs them."""
    if isinstance(model, Content):
        matrix = matrix.positives if isinstance(matrix, TrainingData) else matrix
        options["item_features"] = features_of(matrix.shape[1])
    return model.fit(matrix, rng=rng, **options)


def features_of(n_items: int) -> np.ndarray:
    features = np.random.default_rng(2).normal(size=(n_items, 5))
    features[::7, 2] = np.nan
    return features


def test_no_model_is_left_out() -> None:
    (union, _) = get_args(AnyModel)
    assert {type(model) for model in MODELS} == set(get_args(union))


@pytest.mark.parametrize("kind", get_args(get_args(AnyModel)[0]))
def test_every_number_has_a_bound(kind: type[Model]) -> None:
    for name in kind.model_fields:
        with pytest.raises(ValidationError, match=name):
            kind(**{name: -1.0})


@pytest.fixture(scope="module")
def matrix() -> sparse.csr_array:
    rng = np.random.default_rng(8)
    share = rng.beta(1, 5, size=(300, 1)) + rng.beta(0.5, 5, size=(1, 80))
    dense = (rng.random((300, 80)) < share) * rng.integers(1, 4, (300, 80))
    return sparse.csr_array(dense.astype(np.float32))


@pytest.mark.parametrize("model", MODELS, ids=repr)
class TestEveryModel:
    def test_scores(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        queries = scorer.queries(matrix[40:50])
        scores = scorer.scores(queries)
        assert scores.shape == (10, 80)
        assert scores.dtype == np.float32
        assert scorer.n_items == 80
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scorer.scores(queries[3:5]), scores[3:5])
        scores[:] = 7  # what is returned belongs to the caller
        assert not (scorer.scores(queries) == 7).all()

    def test_epochs_are_counted(self, model: Model, matrix: Matrix) -> None:
        data = TrainingData(Positives.of(matrix), ItemFeatures.of(features_of(80)))
        epochs = list(model.train(data, np.random.default_rng(0)))
        assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))

    def test_recommend(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        users = np.array([5, 280, 5])
        items, scores = scorer.recommend(users, 6)
        assert items.shape == scores.shape == (3, 6)
        np.testing.assert_array_equal(items[0], items[2])
        for user, row in zip(users, items, strict=True):
            assert not set(row) & set(matrix[[user]].indices)
        only = np.zeros(80, bool)
        only[[3, 4]] = True
        items, scores = scorer.recommend(users, 6, filter_seen=False, candidates=only)
        assert set(items[0, :2]) == {3, 4}
        assert (items[:, 2:] == -1).all()
        assert np.isneginf(scores[:, 2:]).all()

    def test_allow_lists_and_scaled_scores(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        users, mask = np.array([5, 280]), np.zeros(80, bool)
        mask[[3, 40, 41]] = True
        for left, right in zip(
            scorer.recommend(users, 4, candidates=mask),
            scorer.recommend(users, 4, candidates=[41, 3, 40, 3]),
            strict=True,
        ):
            np.testing.assert_array_equal(left, right)
        for wrong in ([80], [-1], mask[:5]):
            with pytest.raises(IndexError, match="candidates must"):
                scorer.recommend(users, 4, candidates=wrong)
        items, scores = scorer.recommend(users, 80)
        same, scaled = scorer.recommend(users, 80, rescale=True)
        np.testing.assert_array_equal(items, same)
        found = items >= 0
        lowest = scorer.scores(scorer.queries(matrix[users])).min(axis=1, keepdims=True)
        expected = (scores - lowest) / np.maximum(scores[:, :1] - lowest, 1e-30)
        np.testing.assert_allclose(scaled[found], expected[found], rtol=1e-5, atol=1e-6)
        assert (scaled[found] >= 0).all()
        assert (scaled[found] <= 1).all()
        assert np.isneginf(scaled[~found]).all()

    def test_what_is_hidden_may_be_of_any_format(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        users = np.array([5, 280])
        first = scorer.recommend(users, 3, filter_seen=False)[0]
        hidden = np.zeros((2, 80), np.float32)
        np.put_along_axis(hidden, first, 1, axis=1)
        plain = scorer.recommend(users, 4, hidden=sparse.csr_array(hidden))[0]
        assert not np.take_along_axis(hidden, plain, axis=1).any()
        for other in (sparse.csc_array(hidden), sparse.coo_array(hidden), hidden):
            np.testing.assert_array_equal(scorer.recommend(users, 4, hidden=other)[0], plain)
        for wrong in (matrix, sparse.csr_array((2, 81)), sparse.csr_array((2, 79))):
            with pytest.raises(DataError, match=r"hidden has shape .* each of the 2 users asked"):
                scorer.recommend(users, 4, hidden=wrong)
            with pytest.raises(DataError, match=r"hidden has shape"):
                scorer.recommend_from(matrix[users], 4, hidden=wrong)

    def test_users_that_are_not_there(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        for wrong in (-1, 300, 2**32):
            with pytest.raises(IndexError, match=rf"users must be codes in 0\.\.299, got {wrong}"):
                scorer.recommend([5, wrong])

    def test_seed(self, model: Model, matrix: Matrix) -> None:
        first, again, other = (
            fitted(model, matrix, rng=seed).recommend([1, 2], 9) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert np.array_equal(first[1], other[1]) != model.stochastic

    @pytest.mark.filterwarnings("ignore:3 threads on")
    def test_threads_change_nothing(self, model: Model, matrix: Matrix) -> None:
        tall = sparse.vstack([matrix] * 5, format="csr")
        one, two, three = (fitted(model, tall, rng=0, threads=n) for n in (1, 2, 3))
        users = np.arange(1500)
        for other in (two, three):
            for left, right in zip(one.recommend(users), other.recommend(users), strict=True):
                np.testing.assert_array_equal(left, right)

    def test_saved_and_loaded(self, model: Model, matrix: Matrix, tmp_path: Path) -> None:
        scorer = fitted(model, matrix, rng=0)
        scorer.save(tmp_path / "model.npz")
        loaded = load(tmp_path / "model.npz").scorer
        assert loaded.model == model
        for left, right in zip(
            scorer.recommend(np.arange(300)), loaded.recommend(np.arange(300)), strict=True
        ):
            np.testing.assert_array_equal(left, right)

    def test_a_history_of_another_width_is_refused(self, model: Model, matrix: Matrix) -> None:
        scorer = fitted(model, matrix, rng=0)
        with pytest.raises(DataError, match="the history has 79 items, the model 80"):
            scorer.queries(matrix[:, :79])
        with pytest.raises(DataError, match=r"\(80 x 300 and 300 x 80 .*items exchanged"):
            scorer.recommend_from(matrix.T.tocsr())
        with pytest.raises(DataError, match="greater than 0"):
            scorer.queries(-matrix)

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -2, 1e39])
    def test_values_that_are_no_preference(
        self, model: Model, matrix: Matrix, wrong: float
    ) -> None:
        dense = matrix.toarray().astype(np.float64)
        dense[7, 3] = dense[9, 0] = wrong
        place = r"2 of [\d,]+ are not, the first is \S+ in row 7, column 3"
        with pytest.raises(DataError, match=f"greater than 0 in float32; {place}"):
            fitted(model, dense, rng=0)
        scorer = fitted(model, matrix, rng=0)
        with pytest.raises(DataError, match=place.replace("row 7", "row 0")):
            scorer.recommend_from(sparse.csr_array(dense[7:10]))

    def test_empty_rows_and_columns(self, model: Model, matrix: Matrix) -> None:
        dense = matrix.toarray()
        dense[[0, 17, 299]] = 0
        dense[:, [0, 9, 79]] = 0
        scorer = fitted(model, dense, rng=0)
        assert np.isfinite(scorer.scores(scorer.queries(scorer.history))).all()
        items, _ = scorer.recommend([0, 17, 299, 5], 80)
        assert (np.sort(items[:3]) == np.arange(80)).all()
        queries = scorer.queries(sparse.csr_array((2, 80)))  # nobody known has done nothing
        assert np.isfinite(scorer.scores(queries)).all()

    def test_64_bit_indices_change_nothing(self, model: Model, matrix: Matrix) -> None:
        wide = sparse.csr_array(matrix)
        wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
        expected = fitted(model, matrix, rng=0)
        for given in (wide, Positives(wide), TrainingData(Positives(wide))):
            scorer = fitted(model, given, rng=0)
            for left, right in zip(
                expected.recommend(np.arange(300)), scorer.recommend(np.arange(300)), strict=True
            ):
                np.testing.assert_array_equal(left, right)
            for left, right in zip(
                expected.recommend_from(matrix[3:9]), scorer.recommend_from(wide[3:9]), strict=True
            ):
                np.testing.assert_array_equal(left, right)

    def test_more_threads_than_cores_are_warned_of(self, model: Model, matrix: Matrix) -> None:
        with pytest.warns(UserWarning, match=r"1000 threads on \d+ cores"):
            scorer = fitted(model, matrix, rng=0, threads=1000)
        np.testing.assert_array_equal(
            scorer.recommend([3], 9)[1], fitted(model, matrix, rng=0).recommend([3], 9)[1]
        )

    def test_nothing_to_learn_from(self, model: Model) -> None:
        with pytest.raises(DataError, match="no positive interaction"):
            fitted(model, sparse.csr_array((3, 4)))


@pytest.mark.parametrize("model", [ALS(epochs=1), NMF(), PureSVD()], ids=repr)
def test_more_factors_than_users_or_items_are_warned_of(model: Model) -> None:
    with pytest.warns(UserWarning, match=r"\d+ factors for 20 users and 11 items: more than 11"):
        items, _ = model.fit(np.eye(20, 11) + np.eye(20, 11, 1), rng=0).recommend([4], 3)
    assert (items >= 0).all()


@pytest.mark.filterwarnings("ignore:.* add nothing")
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (9, 17)])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_small_and_full_matrices(model: Model, shape: tuple[int, int]) -> None:
    scorer = fitted(model, np.ones(shape), rng=0)
    items, _ = scorer.recommend(np.arange(shape[0]), 3)
    assert (items == -1).all()
    assert np.isfinite(scorer.scores(scorer.queries(scorer.history))).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_mapped_read_only_data(model: Model, tmp_path: Path) -> None:
    matrix = sparse.random_array((50, 30), density=0.2, format="csr", rng=0, dtype=np.float32)
    parts = {}
    for name in ("data", "indices", "indptr"):
        np.save(tmp_path / f"{name}.npy", getattr(matrix, name))
        parts[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    mapped = sparse.csr_array(
        (parts["data"], parts["indices"], parts["indptr"]), shape=matrix.shape
    )
    users = np.array([*range(3, 50), 1])
    right = fitted(model, matrix, rng=0).recommend(users)
    for given in (TrainingData(Positives(mapped)), mapped):
        np.testing.assert_array_equal(fitted(model, given, rng=0).recommend(users), right)
