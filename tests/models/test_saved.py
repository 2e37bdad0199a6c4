"""Model files: original ids, and everything that is not a model file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, ModelFileError
from cfexp.models.als import ALS
from cfexp.models.popularity import Popularity
from cfexp.models.saved import load

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import AnyArray, Matrix

USERS = Vocabulary(np.array(["007", "7", "ann"], object))
ITEMS = Vocabulary(np.array([10, 20, 30, 40]))
TITLES = np.array(["A", "Bé", "", "D"], object)


@pytest.fixture
def matrix() -> Matrix:
    return sparse.csr_array(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], np.float32))


@pytest.fixture
def path(matrix: Matrix, tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    Popularity().fit(matrix).save(path, users=USERS, items=ITEMS, titles=TITLES)
    return path


def test_original_ids_and_titles_come_back(path: Path) -> None:
    table = load(path).recommend(["ann", "007"], 2)
    assert table.to_dict("list") == {
        "user": ["ann", "ann", "007", "007"],
        "rank": [1, 2, 1, 2],
        "item": [20, 30, 30, 40],
        "title": ["Bé", "", "", "D"],
        "score": [1, 1, 1, 0],
    }


def test_short_lists_end_early(path: Path) -> None:
    table = load(path).recommend(["007"], 10)
    assert table["item"].tolist() == [30, 40]


def test_unknown_users(path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 2 users are not among the 3.*'bob'"):
        load(path).recommend(["ann", "bob"])


def test_users_without_rows_are_none_to_guess_for(matrix: Matrix, tmp_path: Path) -> None:
    idle = sparse.vstack([matrix[:2], sparse.csr_array((1, 4))]).tocsr()
    ALS(factors=2, epochs=1).fit(idle, 0).save(tmp_path / "m.npz", users=USERS, items=ITEMS)
    saved = load(tmp_path / "m.npz")
    with pytest.raises(DataError, match=r"1 of 2 users have no row .*: 'ann'; .* a history"):
        saved.recommend(["7", "ann"])
    seen = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], np.float32))
    scorer = ALS(factors=2, epochs=1).fit(idle, 0)
    scorer.save(tmp_path / "seen.npz", users=USERS, items=ITEMS, seen=seen)
    assert len(load(tmp_path / "seen.npz").recommend(["ann"])) == 4  # who liked nothing
    assert len(saved.recommend_from([[10]], 3)) == 3


def test_without_ids_users_are_codes(matrix: Matrix, tmp_path: Path) -> None:
    scorer = Popularity().fit(matrix)
    scorer.save(tmp_path / "m.npz")
    saved = load(tmp_path / "m.npz")
    assert saved.users is None
    assert saved.recommend([0], 1)["item"].tolist() == [2]
    for wrong in (3, -1, 2**32, "ann", 0.5):
        with pytest.raises(DataError, match=f"1 of 1 users are not among the 3 .*{wrong}"):
            saved.recommend([wrong])
        with pytest.raises(DataError, match=r"candidates are not among the 4 items of the"):
            saved.recommend([0], candidates=[4 if wrong == 3 else wrong])


def test_no_partial_file_is_left(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["model.npz"]


def rewritten(path: Path, **changes: AnyArray) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, **changes})


def header(path: Path, **changes: object) -> AnyArray:
    with np.load(path) as archive:
        values = json.loads(archive["header"].tobytes())
    return np.frombuffer(json.dumps({**values, **changes}).encode(), np.uint8)


def test_files_that_are_no_models(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model file"):
        load(tmp_path / "absent.npz")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ModelFileError, match="not a model saved by cfexp"):
        load(tmp_path / "text")
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(ModelFileError, match="not a zip file"):
        load(tmp_path / "array.npy")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(ModelFileError, match="no header"):
        load(tmp_path / "other.npz")
    np.savez(tmp_path / "pickle.npz", header=np.array([{}], object))
    with pytest.raises(ModelFileError, match=r"header\.npy is no array of numbers or text"):
        load(tmp_path / "pickle.npz")
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "else"}, "not a model saved by cfexp: 'else'"),
        ({"version": 99}, "version 99, this cfexp reads up to 1"),
        ({"model": {"kind": "nothing"}}, "of another version"),
        ({"shape": [3]}, "of another version"),
        ({"shape": [3, 9]}, "damaged"),
    ],
)
def test_headers_that_do_not_fit(path: Path, changes: dict[str, Any], message: str) -> None:
    rewritten(path, header=header(path, **changes))
    with pytest.raises(ModelFileError, match=message):
        load(path)


def test_indices_out_of_range_are_refused(matrix: Matrix, tmp_path: Path) -> None:
    path = tmp_path / "als.npz"
    ALS(factors=3, epochs=1).fit(matrix, rng=0).save(path)
    with np.load(path) as archive:
        indices = archive["history.indices"].copy()
    indices[-1] = 4
    rewritten(path, **{"history.indices": indices})
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)


def test_lists_leave_out_what_they_left_out_when_evaluated(tmp_path: Path) -> None:
    positives = sparse.csr_array(np.array([[1, 0, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], np.float32))
    seen = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], np.float32))
    scorer = Popularity().fit(positives)

    def listed(mask: str | None, **asked: Any) -> list[int]:  # noqa: ANN401
        given = {} if mask is None else {"seen": seen, "mask": mask}
        scorer.save(tmp_path / "m.npz", **given)
        return load(tmp_path / "m.npz").recommend([0], 4, **asked)["item"].tolist()

    assert listed(None) == [2, 1, 3]  # nothing is known but the positives
    # item 3 is in no history, so it is no candidate
    assert listed("interacted") == [2]
    assert listed("positives") == [2, 1]
    assert listed("none") == [0, 2, 1]
    assert listed("interacted", filter_seen=False) == [0, 2, 1]
    assert listed("none", filter_seen=True) == [2]
    assert listed("none", candidates=[3, 0]) == [0, 3]


def test_recency_of_the_history_comes_back(tmp_path: Path, matrix: Matrix) -> None:
    rank, age = np.array([1, 0, 0, 1, 0], np.int32), np.arange(5, dtype=np.float32)
    model = ALS(factors=2, epochs=2, recency=5)
    scorer = model.fit(Positives(matrix, rank, age), rng=0)
    scorer.save(tmp_path / "m.npz")
    loaded = load(tmp_path / "m.npz").scorer
    np.testing.assert_array_equal(loaded.history.rank, rank)
    np.testing.assert_array_equal(loaded.history.age, age)
    np.testing.assert_array_equal(loaded.queries_of([0, 2]), scorer.queries_of([0, 2]))


def test_allowed_items_by_id_and_scaled_scores(path: Path) -> None:
    saved = load(path)
    table = saved.recommend(["007"], 2, candidates=[40, 30], rescale=True)
    assert table["item"].tolist() == [30, 40]
    assert table["score"].tolist() == [1, 0]
    with pytest.raises(DataError, match=r"1 of 2 candidates are not among the 4 items.*99"):
        saved.recommend(["007"], candidates=[40, 99])


def test_users_and_items_exchanged_are_refused(matrix: Matrix, tmp_path: Path) -> None:
    scorer = Popularity().fit(matrix)
    with pytest.raises(DataError, match=r"4 users for a model of 3 users and 4 items; are users"):
        scorer.save(tmp_path / "m.npz", users=ITEMS, items=USERS)
    with pytest.raises(DataError, match="3 titles"):
        scorer.save(tmp_path / "m.npz", titles=TITLES[:3])
    with pytest.raises(DataError, match=r"seen has shape \(2, 4\), the history \(3, 4\): both"):
        scorer.save(tmp_path / "m.npz", seen=matrix[:2])
    with pytest.raises(DataError, match=r"\(4, 3\), the history \(3, 4\).* items exchanged\?"):
        scorer.save(tmp_path / "m.npz", seen=matrix.T.tocsr())
    assert not list(tmp_path.iterdir())
