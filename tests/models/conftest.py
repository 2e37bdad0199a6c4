"""Positives with an order, for models that fade what is older."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives


@pytest.fixture(scope="module")
def positives() -> Positives:
    rng = np.random.default_rng(4)
    matrix = sparse.csr_array(
        ((rng.random((90, 30)) < 0.2) * rng.integers(1, 6, (90, 30))).astype(np.float32)
    )
    rank = np.concatenate([rng.permutation(n) for n in np.diff(matrix.indptr)]).astype(np.int32)
    return Positives(matrix, rank, (rank * 2.5).astype(np.float32))
