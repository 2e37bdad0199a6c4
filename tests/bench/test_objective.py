"""The loss that all contenders are measured by, against the formula as it is written."""

import numpy as np
import pytest
from scipy import sparse

from cfexp.bench import objective
from cfexp.bench.contenders import Settings, ready, scorers
from cfexp.models.reference import objective as written
from cfexp.parallel import one_blas_thread


@pytest.fixture(scope="module")
def matrix() -> sparse.csr_array:
    rng = np.random.default_rng(0)
    return sparse.csr_array((rng.random((40, 30)) < 0.2).astype(np.float32))


def test_it_is_the_formula(matrix: sparse.csr_array, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(30, 5))
    monkeypatch.setattr(objective, "_ENTRIES", 35)  # so that there are many parts
    value = objective.loss(x, y, matrix, alpha=3.0, regularization=0.7)
    assert value == pytest.approx(written(x, y, matrix * 3.0, 0.7), rel=1e-12)


@pytest.mark.parametrize("peer", ["implicit", "irspack"])
def test_a_peer_is_set_to_our_objective(peer: str, matrix: sparse.csr_array) -> None:
    pytest.importorskip(peer)
    settings = Settings(4, 3.0, 0.5, 200, 1, 0)
    losses = []
    for one in (peer, "cfexp"):
        with one_blas_thread:  # or implicit complains
            x, y = ready(one, settings)(matrix)
        losses.append(objective.loss(x, y, matrix, alpha=3.0, regularization=0.5))
        # at a stationary point of the objective, its gradient is nought
        c = 1 + 3.0 * matrix.toarray()
        gradient = (c * (matrix.toarray() - x @ y.T)) @ y - 0.5 * x
        assert np.abs(gradient).max() < 0.05
    assert losses[0] == pytest.approx(losses[1], rel=0.03)  # different minima, same objective


def test_our_epochs_come_one_by_one(matrix: sparse.csr_array) -> None:
    settings = Settings(4, 3.0, 0.5, 5, 1, 0)
    losses = [
        objective.loss(s.user_factors, s.item_factors, matrix, alpha=3.0, regularization=0.5)
        for _, s in scorers(matrix, settings)
    ]
    assert len(losses) == 5
    assert losses[-1] < losses[0]
