"""Positives: rows and orientations with their recency; what may be learned from."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import DataError


@pytest.fixture
def positives() -> Positives:
    matrix = sparse.random_array((9, 6), density=0.4, format="csr", rng=0, dtype=np.float32)
    matrix.sort_indices()
    return Positives(
        matrix,
        np.arange(matrix.nnz, dtype=np.int32),
        np.arange(matrix.nnz, dtype=np.float32) / 2,
        np.arange(9, dtype=np.float32) * 100,
    )


@pytest.mark.parametrize(
    "rows",
    [
        slice(2, 5),
        slice(None),
        slice(7, 1, -2),
        slice(5, 2),
        [4, 4, -1],
        [4, 5, 6],
        np.array([0, 8], np.int32),
        np.arange(9) % 2 == 0,
        3,
        [],
    ],
)
def test_rows_carry_their_recency(positives: Positives, rows: object) -> None:
    selected = positives[rows]
    dense = np.zeros(positives.shape)
    found = positives.matrix.tocoo().coords
    dense[found] = positives.rank
    expected = np.atleast_2d(dense[rows])
    assert selected.shape == expected.shape
    np.testing.assert_array_equal(
        selected.toarray(), np.atleast_2d(positives.toarray()[rows]).reshape(expected.shape)
    )
    at = selected.matrix.tocoo().coords
    np.testing.assert_array_equal(expected[at], selected.rank)
    np.testing.assert_array_equal(selected.rank / 2, selected.age)
    np.testing.assert_array_equal(selected.idle, np.atleast_1d(np.arange(9)[rows]) * 100)
    assert selected.rank.dtype == np.int32
    assert selected.age.dtype == np.float32
    assert selected.matrix.indices.dtype == np.int32


def test_all_rows_are_the_positives_themselves(positives: Positives) -> None:
    assert positives[:] is positives
    assert positives[np.arange(9)] is positives


def test_the_other_orientation_carries_them_too(positives: Positives) -> None:
    other = positives.transposed()
    np.testing.assert_array_equal(other.toarray(), positives.toarray().T)
    assert other.matrix.has_sorted_indices
    back = other.transposed()
    np.testing.assert_array_equal(back.rank, positives.rank)
    np.testing.assert_array_equal(back.age, positives.age)
    assert other.idle is None  # its rows are items
    assert other.matrix.indices.dtype == np.int32


def test_rows_that_are_not_there(positives: Positives) -> None:
    with pytest.raises(IndexError):
        positives[[9]]


def test_lengths_must_fit(positives: Positives) -> None:
    with pytest.raises(ValueError, match=r"rank has shape \(3,\), expected one number"):
        Positives(positives.matrix, np.arange(3))
    with pytest.raises(ValueError, match=r"idle has shape \(6,\), .* each of the 9 rows"):
        Positives(positives.matrix, idle=np.zeros(6, np.float32))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1, 1e300])
def test_values_that_are_no_preference(wrong: float) -> None:
    with pytest.raises(DataError, match="finite and greater than 0"):
        TrainingData.of(np.array([[1, wrong], [1, 1]]))
    with pytest.raises(DataError, match="finite and greater than 0"):
        TrainingData.of(sparse.csr_array(([0.0, wrong], ([0, 1], [1, 0]))))


def test_nothing_but_zeros() -> None:
    with pytest.raises(DataError, match="no positive interaction"):
        TrainingData.of(np.zeros((2, 2)))


def test_of_keeps_what_it_is_given(positives: Positives) -> None:
    assert TrainingData.of(positives).positives is positives
    plain = TrainingData.of(positives.toarray()).positives
    assert plain.rank is None
    assert plain.age is None
    np.testing.assert_array_equal(plain.toarray(), positives.toarray())


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
def test_what_will_do_is_shared_and_never_written_to(container: type) -> None:
    given = container(np.eye(4, dtype=np.float32))
    data = TrainingData.of(given)
    for part in ("data", "indices", "indptr"):
        own = getattr(data.positives, part)
        assert np.shares_memory(own, getattr(given, part))
        assert not own.flags.writeable
        assert getattr(given, part).flags.writeable


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_what_will_not_do_is_copied_and_set_right(dtype: type, index: type) -> None:
    # unsorted, with a pair given twice and a zero
    parts = ([1, 0, 1, 1, 1], [2, 1, 0, 0, 1], [0, 4, 4, 5])
    arrays = [np.array(part, kind) for part, kind in zip(parts, (dtype, index, index), strict=True)]
    given = sparse.csr_array(tuple(arrays), shape=(3, 3))
    given.has_canonical_format = True  # which is not so
    data = TrainingData.of(given)
    assert data.positives.indices.tolist() == [0, 2, 1]
    assert data.positives.indices.dtype == np.int32
    assert data.positives.data.tolist() == [2, 1, 1]
    assert data.positives.data.dtype == np.float32
    assert data.by_item.toarray().tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 0]]
    for array, part in zip(arrays, parts, strict=True):
        np.testing.assert_array_equal(array, part)


def test_pairs_outside_of_the_matrix_are_refused() -> None:
    matrix = sparse.csr_array(np.eye(3, dtype=np.float32))
    matrix.indices[1] = 7
    with pytest.raises(DataError, match="indices"):
        TrainingData.of(matrix)


def test_one_row_alone_is_no_matrix() -> None:
    with pytest.raises(DataError, match=r"users x items matrix, got an array of shape \(3,\)"):
        TrainingData.of(np.ones(3))


def test_memory_is_taken_for_the_other_orientation_alone() -> None:
    nnz = 400_000
    rng = np.random.default_rng(0)
    parts = (np.ones(nnz, np.float32), np.arange(nnz, dtype=np.int32) % 1000)
    matrix = sparse.csr_array((*parts, np.arange(401, dtype=np.int32) * 1000), shape=(400, 1000))
    known = Positives(matrix, rng.permutation(nnz).astype(np.int32), np.ones(nnz, np.float32))
    for given, limit in ((matrix, 8.2), (known, 20.2)):
        tracemalloc.start()
        try:
            data = TrainingData.of(given)
            assert tracemalloc.get_traced_memory()[1] < 0.1 * nnz
            assert data.by_item.nnz == nnz
            assert tracemalloc.get_traced_memory()[1] < limit * nnz
        finally:
            tracemalloc.stop()
