"""Made-up matrices: exact in size, shaped like real ones."""

from pathlib import Path

import numpy as np
import pytest

from cfexp.bench import matrices
from cfexp.errors import InputError


@pytest.mark.parametrize("nnz", [1_000, 54_321])
def test_as_many_ones_as_asked_for(nnz: int) -> None:
    matrix = matrices.synthetic(nnz)
    matrix.check_format(full_check=True)
    assert matrix.nnz == nnz
    assert matrix.has_canonical_format
    assert (matrix.data == 1).all()
    assert matrix.data.dtype == np.float32


def test_popularity_and_activity_are_uneven_as_in_life() -> None:
    matrix = matrices.synthetic(200_000)
    items = np.sort(np.bincount(matrix.indices, minlength=matrix.shape[1]))[::-1]
    users = np.sort(np.diff(matrix.indptr))[::-1]
    assert items[: len(items) // 10].sum() > 0.2 * matrix.nnz
    assert users[: len(users) // 10].sum() > 0.2 * matrix.nnz


def test_the_same_on_every_call() -> None:
    assert (matrices.synthetic(2_000) != matrices.synthetic(2_000)).nnz == 0


def test_too_few() -> None:
    with pytest.raises(InputError, match="at least 1,000"):
        matrices.synthetic(10)


def test_there_and_back(tmp_path: Path) -> None:
    matrix = matrices.synthetic(2_000)
    matrices.save(matrix, tmp_path)
    again = matrices.load(tmp_path)
    assert again.shape == matrix.shape
    assert (again != matrix).nnz == 0


@pytest.mark.data
def test_movielens(ml1m: Path) -> None:
    assert ml1m.is_dir()
    assert matrices.movielens().nnz == 575_281
