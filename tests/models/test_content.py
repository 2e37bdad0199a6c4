"""The content model against plain loops, and items that it was not trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from cfexp.data.positives import Positives
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, ModelFileError
from cfexp.models import archive
from cfexp.models.content import Content
from cfexp.models.popularity import Popularity
from cfexp.models.saved import load

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.models.saved_model import SavedModel

N_USERS, N_ITEMS = 30, 20
COLUMNS = {
    "tempo": np.array([90.0 + 7 * n for n in range(N_ITEMS)]),
    "energy": np.array([np.nan if n % 5 == 0 else n % 7 for n in range(N_ITEMS)]),
    "genres": np.array(["rock|pop", "pop", "jazz", "", "rock"] * 4),
}


@pytest.fixture(scope="module")
def data() -> TrainingData:
    rng = np.random.default_rng(1)
    matrix = sparse.csr_array(
        ((rng.random((N_USERS, N_ITEMS)) < 0.3) * rng.integers(1, 6, (N_USERS, N_ITEMS))).astype(
            np.float32
        )
        * (np.arange(N_ITEMS) < 15)  # the last five are new
    )
    rank = np.concatenate([rng.permutation(n) for n in np.diff(matrix.indptr)]).astype(np.int32)
    features = ItemFeatures.of_columns(Attributes(COLUMNS), {"genres": "|"})
    return TrainingData(Positives(matrix, rank), features)


@pytest.fixture
def saved(data: TrainingData, tmp_path: Path) -> SavedModel:
    Content(alpha=2).fit(data).save(
        tmp_path / "m.npz",
        items=Vocabulary(np.array([f"i{n:02}" for n in range(N_ITEMS)], object)),
        titles=np.array([f"Song {n}" for n in range(N_ITEMS)], object),
        seen=data.positives.matrix,
    )
    return load(tmp_path / "m.npz")


@pytest.mark.parametrize("normalize", [False, True])
def test_scores_are_cosines_to_weighted_profiles(data: TrainingData, *, normalize: bool) -> None:
    model = Content(alpha=0.7, normalize=normalize, recency=3, recency_scale=4)
    scorer = model.fit(data)
    scores = scorer.scores(scorer.queries(data.positives))
    assert data.features is not None
    z = StandardScaler().fit(data.features.values[:15]).transform(data.features.values)
    z = np.nan_to_num(z)
    ranks = sparse.csr_array((data.positives.rank, data.positives.indices, data.positives.indptr))
    for user in range(N_USERS):
        profile = np.zeros(z.shape[1])
        row = data.positives.matrix[[user]]
        for item, value in zip(row.indices, row.data, strict=True):
            rank = ranks[user, item]
            weight = 1 + (0.7 + 3 * np.exp(-rank / 4)) * value
            profile += weight * z[item] / (np.linalg.norm(z[item]) if normalize else 1)
        expected = z @ profile / (np.linalg.norm(profile) * np.linalg.norm(z, axis=1))
        np.testing.assert_allclose(scores[user], expected, atol=2e-6)


def test_new_items_are_scored_as_if_they_had_been_there(data: TrainingData) -> None:
    whole = Content().fit(data)
    assert data.features is not None
    known = TrainingData(
        Positives(data.positives.matrix[:, :15], data.positives.rank),
        ItemFeatures(data.features.columns, data.features.values[:15]),
    )
    wider = Content().fit(known).with_items(data.features.values[15:])
    users = np.arange(N_USERS)
    for left, right in zip(whole.recommend(users), wider.recommend(users), strict=True):
        np.testing.assert_array_equal(left, right)
    assert (whole.recommend(users, 3)[0] >= 15).any()


def test_a_saved_model_takes_new_items_by_their_columns(saved: SavedModel) -> None:
    columns = {"tempo": [COLUMNS["tempo"][2], 90], "energy": [2, np.nan], "genres": ["jazz", ""]}
    wider = saved.with_items(["n1", "n2"], columns, ["Twin of 2", "Slow"])
    asked = [3, 8]
    twins = wider.recommend(asked, 2, filter_seen=False, candidates=["i02", "n1"])
    scores = twins.set_index(["user", "item"])["score"]
    for user in asked:
        assert scores[user, "i02"] == pytest.approx(scores[user, "n1"], abs=1e-6)
    assert set(twins["title"]) == {"Song 2", "Twin of 2"}
    assert not {"n1", "n2"} & set(saved.recommend(asked, 30)["item"])
    lists = wider.recommend(asked, 30)
    assert {"n1", "n2"} <= set(lists["item"])
    assert "i17" not in set(lists["item"]), "nobody had it, and nobody asked for it"
    folded = wider.recommend_from([["i02", "n1"]], k=1)
    assert folded["score"][0] <= 1


def test_what_new_items_may_not_be(saved: SavedModel, data: TrainingData, tmp_path: Path) -> None:
    columns = {"tempo": [100.0]}
    for ids, given, words in (
        (["i03"], columns, "known to the model already: 'i03'"),
        ([3], columns, "ids of new items are text, at least one; got 3"),
        (["n1", "n1"], {"tempo": [1, 2]}, "given twice"),
        (["n1"], {"bpm": [3]}, "none of the columns bpm is a feature .* tempo, energy, genres"),
        (["n1", "n2"], columns, "'tempo' has 1 entries for 2 new items"),
        (["n1"], {"tempo": ["fast"]}, "'tempo' holds numbers"),
        (["n1"], {"tempo": [np.inf]}, "must be finite"),
    ):
        with pytest.raises(DataError, match=words):
            saved.with_items(ids, given)
    Popularity().fit(data).save(tmp_path / "p.npz")
    with pytest.raises(DataError, match="of kind 'content'; this one is of kind 'popularity'"):
        load(tmp_path / "p.npz").with_items(["n1"], columns)


def test_without_features() -> None:
    with pytest.raises(DataError, match=r"content needs item features; .*item_features=\.\.\."):
        Content().fit(np.eye(3))


def test_who_knows_nothing_scores_nothing(data: TrainingData) -> None:
    values = np.array(data.features.values if data.features else None)
    values[4] = np.nan
    scorer = Content().fit(data.positives, item_features=values)
    scores = scorer.scores(scorer.queries(np.eye(N_ITEMS, dtype=np.float32)[[4, 5]]))
    assert (scores[0] == 0).all(), "all that the user had is unknown"
    assert scores[1, 4] == 0, "nothing is known of the item"
    assert scores[1, 5] == pytest.approx(1)
    assert Content().fit(np.eye(3), item_features=np.ones((3, 2))).recommend([0], 1)[1][0, 0] == 0


@pytest.mark.parametrize("name", ["lengths", "mean", "weight", "columns", "item_factors"])
def test_a_damaged_file(data: TrainingData, tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.npz"
    Content().fit(data).save(path)
    header, arrays = archive.read(path)
    wrong = np.frombuffer(b"[]", np.uint8) if name == "columns" else arrays[f"scorer.{name}"][:-1]
    nested = np.frombuffer(b"[" * 100_000, np.uint8)
    for changed in ({f"scorer.{name}": wrong}, {"scorer.columns": nested}):
        archive.write(path, header, arrays | changed)
        with pytest.raises(ModelFileError, match="damaged"):
            load(path)
