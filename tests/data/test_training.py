"""Positives: rows and orientations with their recency; what may be learned from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.training import Positives, TrainingData
from cfexp.errors import DataError


@pytest.fixture
def positives() -> Positives:
    matrix = sparse.random_array((9, 6), density=0.4, format="csr", rng=0, dtype=np.float32)
    matrix.sort_indices()
    return Positives(
        matrix, np.arange(matrix.nnz, dtype=np.int32), np.arange(matrix.nnz, dtype=np.float32) / 2
    )


@pytest.mark.parametrize(
    "rows", [slice(2, 5), [4, 4, -1], np.array([0, 8], np.int32), np.arange(9) % 2 == 0, 3, []]
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
    assert selected.rank.dtype == np.int32
    assert selected.age.dtype == np.float32


def test_the_other_orientation_carries_them_too(positives: Positives) -> None:
    other = positives.transposed()
    np.testing.assert_array_equal(other.toarray(), positives.toarray().T)
    assert other.matrix.has_sorted_indices
    back = other.transposed()
    np.testing.assert_array_equal(back.rank, positives.rank)
    np.testing.assert_array_equal(back.age, positives.age)


def test_rows_that_are_not_there(positives: Positives) -> None:
    with pytest.raises(IndexError):
        positives[[9]]


def test_lengths_must_fit(positives: Positives) -> None:
    with pytest.raises(ValueError, match=r"rank has shape \(3,\), expected one number"):
        Positives(positives.matrix, np.arange(3))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1])
def test_values_that_are_no_preference(wrong: float) -> None:
    with pytest.raises(DataError, match="finite and greater than 0"):
        TrainingData.of(np.array([[1, wrong], [1, 1]]))


def test_nothing_but_zeros() -> None:
    with pytest.raises(DataError, match="no positive interaction"):
        TrainingData.of(np.zeros((2, 2)))


def test_of_keeps_what_it_is_given(positives: Positives) -> None:
    assert TrainingData.of(positives).positives is positives
    plain = TrainingData.of(positives.toarray()).positives
    assert plain.rank is None
    assert plain.age is None
    np.testing.assert_array_equal(plain.toarray(), positives.toarray())
