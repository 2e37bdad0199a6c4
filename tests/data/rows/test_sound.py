"""What is no matrix of preferences is refused with its reason, and without memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cfexp.arrays import Matrix
from cfexp.data.positives import Positives
from cfexp.data.rows.sound import exchanged
from cfexp.data.training import TrainingData
from cfexp.errors import DataError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "got NoneType"),
        (np.ones(3), r"got an array of shape \(3,\)"),
        (np.ones((2, 2, 2)), "got ndarray: .*3D"),
        (np.array([["a", "b"]]), "got ndarray: could not convert string"),
        (np.ones((2, 2)) * 1j, "complex numbers"),
        (sparse.coo_array(np.ones(4)), r"got an array of shape \(4,\)"),
    ],
)
def test_what_is_no_matrix_of_numbers(given: Any, words: str) -> None:  # noqa: ANN401
    with pytest.raises(DataError, match=f"expected a users x items matrix.*{words}"):
        TrainingData.of(given)


@pytest.mark.parametrize(
    "given", [[[1, 0], [2, 3]], pd.DataFrame([[1, 0], [2, 3]]), np.array([[1, 0], [2, 3]], object)]
)
def test_what_numpy_reads_will_do(given: Any) -> None:  # noqa: ANN401
    assert TrainingData.of(given).positives.toarray().tolist() == [[1, 0], [2, 3]]


def test_no_value_at_all() -> None:
    for shape in ((0, 4), (4, 0), (3, 5)):
        with pytest.raises(DataError, match=f"{shape[0]} users x {shape[1]} items has no value"):
            TrainingData.of(np.zeros(shape))


def vast(entries: int) -> Matrix:
    """A matrix of so many entries that takes no memory: one number, seen again and again."""
    matrix = sparse.csr_array((1, 5), dtype=np.float32)
    matrix.data = np.broadcast_to(np.float32(1), entries)
    matrix.indices = np.broadcast_to(np.int64(0), entries)
    matrix.indptr = np.array([0, entries])
    return matrix


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (vast(2**31), "entries .* has 2,147,483,648"),
        (sparse.coo_array(([1.0], ([0], [2**31])), shape=(2, 2**31 + 1)), "items"),
        (sparse.coo_array(([1.0], ([2**31], [0])), shape=(2**31 + 1, 2)), "users"),
    ],
)
def test_what_32_bits_cannot_count_is_refused_before_memory_is_taken(
    matrix: Matrix, words: str
) -> None:
    tracemalloc.start()
    try:
        for read in (TrainingData.of, Positives.of, Positives):
            with pytest.raises(DataError, match=f"up to 2,147,483,647 {words}.*drop rare"):
                read(matrix)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_only_what_lies_on_its_side_is_called_exchanged() -> None:
    assert exchanged((3, 90), (90, 3))
    assert exchanged((80, 3), (90, 80))  # of other users, but so many rows as there are items
    assert not exchanged((90, 4), (90, 3))
    assert not exchanged((3, 3), (3, 3))
