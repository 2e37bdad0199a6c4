"""The first compilation, announced: later runs find it in Numba's cache on disk."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from cfexp.data.rows.ordering import sorted_within
from cfexp.data.training import TrainingData
from cfexp.metrics.evaluate import evaluate
from cfexp.models.als import ALS
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.nmf import NMF, NmfScorer
from cfexp.splits.stage_data import StageData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cfexp.models.model import Model
    from cfexp.models.scorer import Scorer

_PATIENCE = 2.0  # seconds; loading what was compiled before takes less
_ALL_LOOPS = ("diversity@1", "auc")


def compile_kernels(announce: Callable[[str], None] | None = None) -> None:
    """Make every compiled loop of models ready; call `announce` once if that takes a while."""
    with _announced(announce, "the numerical kernels", "about ten seconds"):
        ones = sparse.csr_array(np.eye(3, dtype=np.float32))
        data = TrainingData.of(ones)
        stage = StageData("warm", data, data.positives, ones, ones, np.ones(3, bool))
        for scorer in _scorers(data):
            evaluate(scorer, stage, _ALL_LOOPS, mask="none", threads=1)


def compile_sorting(announce: Callable[[str], None] | None = None) -> None:
    """Make what sorts many rows ready; call `announce` once if that takes a while."""
    with _announced(announce, "what sorts many rows", "a few seconds"):
        code, key = np.zeros(1, np.int32), np.zeros(1, np.int64)
        sorted_within(code, (key,), np.ones(1, np.int64))


@contextmanager
def _announced(announce: Callable[[str], None] | None, what: str, seconds: str) -> Iterator[None]:
    words = f"Compiling {what}; this happens once and takes {seconds}."
    timer = Timer(_PATIENCE, lambda: announce and announce(words))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _scorers(data: TrainingData) -> Iterator[Scorer]:
    """Yield a scorer of every model with loops of its own."""
    recipes: list[Model] = [
        ALS(factors=2, epochs=1),
        ALS(factors=2, epochs=1, solver="cholesky"),
        EASE(),
        ItemKNN(),
    ]
    for recipe in recipes:
        for epoch in recipe.train(data, np.random.default_rng(0), threads=1):
            epoch.loss()
            yield epoch.scorer()
    # its fit is scikit-learn's, which takes a second to import
    yield NmfScorer(NMF(), data.positives, np.ones((data.n_items, 1), np.float32))
