"""Each contender's fit, set to the same objective, in the child process that measures it.

Stated for our objective with c = 1 + alpha r and reg (`cfexp.bench.objective`):

    implicit    c = a r against 1 for the rest: on ones, a = 1 + alpha; the same reg
    irspack     its "original" loss with nu = 0, alpha0 = 1 and values alpha r; the same reg

Both keep their own defaults otherwise: conjugate gradient with three steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cfexp.arrays import AnyArray, Matrix
    from cfexp.models.als import ALS
    from cfexp.models.als_scorer import AlsScorer


@dataclass(frozen=True)
class Settings:
    """What is fitted, in our terms."""

    factors: int
    alpha: float
    regularization: float
    epochs: int
    threads: int
    seed: int


Factors = tuple["AnyArray", "AnyArray"]
"""User and item factors."""


def ready(name: str, settings: Settings) -> Callable[[Matrix], Factors]:
    """Return the contender's fit, imported and warmed up on a matrix of a few entries."""
    fit = _FITS[name]
    tiny = sparse.csr_array(np.eye(8, dtype=np.float32))
    fit(tiny, Settings(settings.factors, 1.0, 0.1, 1, settings.threads, 0))
    return lambda matrix: fit(matrix, settings)


def recipe(settings: Settings) -> ALS:
    """Return our model."""
    from cfexp.models.als import ALS

    return ALS(
        factors=settings.factors,
        alpha=settings.alpha,
        regularization=settings.regularization,
        epochs=settings.epochs,
    )


def scorers(matrix: Matrix, settings: Settings) -> Iterator[tuple[int, AlsScorer]]:
    """Yield our scorer after every epoch."""
    from cfexp.data.training import TrainingData

    rng = np.random.default_rng(settings.seed)
    epochs = recipe(settings).train(TrainingData.of(matrix), rng, threads=settings.threads)
    for epoch in epochs:
        yield epoch.number, _als(epoch.scorer())


def _als(scorer: Any) -> AlsScorer:  # noqa: ANN401
    from cfexp.models.als_scorer import AlsScorer

    if not isinstance(scorer, AlsScorer):
        raise TypeError(f"expected the scorer of ALS, got {type(scorer).__name__}")
    return scorer


def _cfexp(matrix: Matrix, settings: Settings) -> Factors:
    scorer = _als(recipe(settings).fit(matrix, settings.seed, threads=settings.threads))
    return scorer.user_factors, scorer.item_factors


def _implicit(matrix: Matrix, settings: Settings) -> Factors:
    from implicit.cpu.als import AlternatingLeastSquares

    if not (matrix.data == 1).all():
        raise InputError("implicit's alpha multiplies, so that its loss is ours on ones alone")
    model = AlternatingLeastSquares(
        factors=settings.factors,
        alpha=1 + settings.alpha,
        regularization=settings.regularization,
        iterations=settings.epochs,
        num_threads=settings.threads,
        random_state=settings.seed,
    )
    model.fit(sparse.csr_matrix(matrix), show_progress=False)
    return model.user_factors, model.item_factors


def _irspack(matrix: Matrix, settings: Settings) -> Factors:
    from irspack.recommenders.ials import IALSRecommender

    model = IALSRecommender(
        sparse.csr_matrix(matrix) * settings.alpha,
        n_components=settings.factors,
        alpha0=1.0,
        reg=settings.regularization,
        nu=0.0,
        loss_type="ORIGINAL",
        train_epochs=settings.epochs,
        n_threads=settings.threads,
        random_seed=settings.seed,
    ).learn()
    return model.get_user_embedding(), model.get_item_embedding()


_FITS: dict[str, Callable[[Any, Settings], Factors]] = {
    "cfexp": _cfexp,
    "implicit": _implicit,
    "irspack": _irspack,
}
