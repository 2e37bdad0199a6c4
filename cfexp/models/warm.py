"""The first compilation, announced: later runs find it in Numba's cache on disk."""

from __future__ import annotations

from threading import Timer
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.training import TrainingData
from cfexp.models.als import ALS
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.models.model import Model

_PATIENCE = 0.5  # seconds; loading what was compiled before takes less


def compile_kernels(announce: Callable[[str], None] | None = None) -> None:
    """Make every compiled loop ready; call `announce` once if that takes a while."""

    def say() -> None:
        if announce is not None:
            announce(
                "Compiling the numerical kernels; this happens once and takes about ten seconds."
            )

    timer = Timer(_PATIENCE, say)
    timer.start()
    try:
        data = TrainingData.of(np.eye(3))
        recipes: list[Model] = [
            ALS(factors=2, epochs=1),
            ALS(factors=2, epochs=1, solver="cholesky"),
            EASE(),
            ItemKNN(),
        ]
        for recipe in recipes:
            for epoch in recipe.train(data, np.random.default_rng(0), threads=1):
                epoch.loss()
                epoch.scorer().recommend(np.arange(3, dtype=np.int32), 1)
    finally:
        timer.cancel()
