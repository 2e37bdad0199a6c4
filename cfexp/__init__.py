"""Hyperparameter studies and experiment tracking for collaborative filtering.

The names below are loaded when they are first used, so that importing cfexp costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions
    from cfexp.launch import run_study
    from cfexp.metrics.evaluate import evaluate
    from cfexp.models.als import ALS
    from cfexp.models.content import Content
    from cfexp.models.ease import EASE
    from cfexp.models.item_knn import ItemKNN
    from cfexp.models.nmf import NMF
    from cfexp.models.popularity import Popularity
    from cfexp.models.random import Random
    from cfexp.models.repeat_last import RepeatLast
    from cfexp.models.saved import load
    from cfexp.models.svd import PureSVD
    from cfexp.search.run.trial import Objective
    from cfexp.search.spec.study_file import load_study

__version__ = "0.1.0"

_HOMES = {
    "ALS": "cfexp.models.als",
    "Content": "cfexp.models.content",
    "EASE": "cfexp.models.ease",
    "Interactions": "cfexp.data.interactions",
    "ItemKNN": "cfexp.models.item_knn",
    "NMF": "cfexp.models.nmf",
    "Objective": "cfexp.search.run.trial",
    "Popularity": "cfexp.models.popularity",
    "PureSVD": "cfexp.models.svd",
    "Random": "cfexp.models.random",
    "RepeatLast": "cfexp.models.repeat_last",
    "evaluate": "cfexp.metrics.evaluate",
    "load": "cfexp.models.saved",
    "load_study": "cfexp.search.spec.study_file",
    "run_study": "cfexp.launch",
}

__all__ = [
    "ALS",
    "EASE",
    "NMF",
    "Content",
    "Interactions",
    "ItemKNN",
    "Objective",
    "Popularity",
    "PureSVD",
    "Random",
    "RepeatLast",
    "evaluate",
    "load",
    "load_study",
    "run_study",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
