"""Every setting of ALS's objective against dense float64 formulas written down again here."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from cfexp.arrays import Doubles
from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.models.als import ALS
from cfexp.models.als_scorer import AlsScorer

USERS, ITEMS, F = 60, 45, 9
CONFIDENCES: list[dict[str, Any]] = [
    {"confidence": "linear"},
    {"confidence": "log", "epsilon": 0.5},
    {"confidence": "log", "epsilon": "user_mean"},
    {"confidence": "binary"},
    {"confidence": "capped", "cap": 6.0},
    {"confidence": "clipped", "clip": 2.0},
]
RECENCIES: list[dict[str, Any]] = [
    {},
    {"recency": 5.0, "recency_scale": 3.0},
    {
        "recency": 2.0,
        "recency_by": "age",
        "scoring_alpha": 0.3,
        "scoring_recency": 20.0,
        "scoring_recency_scale": 1.5,
    },
]
SETTINGS = [
    {**confidence, **recency, "nu": nu, "unseen_weight": unseen, "solver": solver}
    for confidence, recency, (nu, unseen), solver in product(
        CONFIDENCES,
        RECENCIES,
        [(0.0, 1.0), (0.5, 1.0), (1.0, 0.1), (0.0, 0.1)],
        ["cg", "cholesky"],
    )
]


@pytest.fixture(scope="module")
def positives() -> Positives:
    rng = np.random.default_rng(5)
    dense = (rng.random((USERS, ITEMS)) < rng.beta(1, 4, (USERS, 1))) * rng.integers(
        1, 6, (USERS, ITEMS)
    )
    dense[4], dense[:, 6], dense[7] = 0, 0, 3
    matrix = sparse.csr_array(dense.astype(np.float32))
    rank = np.concatenate([rng.permutation(n) for n in np.diff(matrix.indptr)]).astype(np.int32)
    return Positives(matrix, rank, (rank * 1.5).astype(np.float32))


def dense(values: np.ndarray, positives: Positives) -> Doubles:
    filled = np.zeros(positives.shape)
    filled[positives.matrix.tocoo().coords] = values
    return filled


def confidence(model: ALS, positives: Positives, *, scoring: bool) -> Doubles:
    """The c of every pair, users x items."""
    alpha, recency, scale = model.alpha, model.recency, model.recency_scale
    if scoring:
        alpha = alpha if model.scoring_alpha is None else model.scoring_alpha
        recency = recency if model.scoring_recency is None else model.scoring_recency
        scale = scale if model.scoring_recency_scale is None else model.scoring_recency_scale
    r = positives.toarray().astype(np.float64)
    past = dense(positives.rank if model.recency_by == "rank" else positives.age, positives)
    a = alpha + recency * np.exp(-past / scale)
    c0 = model.unseen_weight
    if model.confidence == "log":
        mean = np.maximum(r.sum(1) / np.maximum((r > 0).sum(1), 1), 1)[:, None]
        c = c0 + a * np.log(1 + r / (mean if model.epsilon == "user_mean" else model.epsilon))
    else:
        c = {
            "linear": c0 + a * r,
            "binary": c0 + a,
            "capped": np.minimum(c0 + a * r, model.cap),
            "clipped": c0 + a * np.minimum(r, model.clip),
        }[model.confidence]
    return np.where(r > 0, c, c0)


def penalties(model: ALS, p: Doubles) -> tuple[Doubles, Doubles]:
    """The weight of |x|^2 for every user and of |y|^2 for every item."""
    of_users = (p.sum(1) + model.unseen_weight * p.shape[1]) ** model.nu
    of_items = (p.sum(0) + model.unseen_weight * p.shape[0]) ** model.nu
    return model.regularization * of_users, model.regularization * of_items


def objective(model: ALS, positives: Positives, x: Doubles, y: Doubles) -> float:
    p = (positives.toarray() > 0).astype(np.float64)
    c = confidence(model, positives, scoring=False)
    of_users, of_items = penalties(model, p)
    fit = (c * (p - x @ y.T) ** 2).sum()
    return float(fit + of_users @ (x**2).sum(1) + of_items @ (y**2).sum(1))


def gradients(
    model: ALS, positives: Positives, x: Doubles, y: Doubles, *, scoring: bool = False
) -> tuple[Doubles, Doubles]:
    p = (positives.toarray() > 0).astype(np.float64)
    error = confidence(model, positives, scoring=scoring) * (p - x @ y.T)
    of_users, of_items = penalties(model, p)
    of_x = -2 * error @ y + 2 * of_users[:, None] * x
    return of_x, -2 * error.T @ x + 2 * of_items[:, None] * y


def configured(settings: dict[str, Any], **more: Any) -> ALS:  # noqa: ANN401
    plain = {"factors": F, "alpha": 2, "regularization": 0.2, "epochs": 3, "momentum": 0}
    return ALS(**{**plain, **settings, **more})


def test_gradients_are_those_of_the_objective(positives: Positives) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((USERS, 2)), rng.standard_normal((ITEMS, 2))
    model = configured(SETTINGS[-1] | {"nu": 0.5})
    of_x, of_y = gradients(model, positives, x, y)
    for _ in range(4):
        dx, dy = rng.standard_normal(x.shape), rng.standard_normal(y.shape)
        ends = [objective(model, positives, x + t * dx, y + t * dy) for t in (1e-5, -1e-5)]
        slope = (ends[0] - ends[1]) / 2e-5
        assert slope == pytest.approx((of_x * dx).sum() + (of_y * dy).sum(), rel=1e-5)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_loss_and_gradient(positives: Positives, settings: dict[str, Any]) -> None:
    model = configured(settings, cg_steps=60)
    for epoch in model.train(TrainingData.of(positives), np.random.default_rng(1)):
        scorer, loss = epoch.scorer(), epoch.loss()
    assert isinstance(scorer, AlsScorer)
    y = scorer.item_factors.astype(np.float64)

    # the users that the scorer solves make the gradient vanish, by the scoring weights
    x = scorer.user_factors.astype(np.float64)
    at_zero, _ = gradients(model, positives, 0 * x, y, scoring=True)
    of_x, _ = gradients(model, positives, x, y, scoring=True)
    assert np.abs(of_x).max() < 5e-5 * np.abs(at_zero).max()

    # what the user's items add makes up the score
    _, adds = scorer.explain(7, 3)
    assert len(adds) == ITEMS
    score = scorer.scores(scorer.user_factors[7:8])[0, 3]
    assert adds.sum() == pytest.approx(score, abs=1e-5)

    # the items are those that the last half sweep solved: at the users of the sweep
    assert loss is not None
    sweep_users = users_before(model, positives)
    assert loss == pytest.approx(objective(model, positives, sweep_users, y), rel=2e-5)
    _, of_y = gradients(model, positives, sweep_users, y)
    _, at_zero = gradients(model, positives, sweep_users, 0 * y)
    assert np.abs(of_y).max() < 5e-5 * np.abs(at_zero).max()


def users_before(model: ALS, positives: Positives) -> Doubles:
    """The user factors of the last sweep: solved exactly against the items before it."""
    before = ALS(**{**model.model_dump(), "epochs": model.epochs - 1})
    *_, last = before.train(TrainingData.of(positives), np.random.default_rng(1))
    y = last.scorer().item_factors.astype(np.float64)
    p = (positives.toarray() > 0).astype(np.float64)
    c = confidence(model, positives, scoring=False)
    of_users, _ = penalties(model, p)
    eye = np.eye(F)
    return np.array(
        [
            np.linalg.solve(y.T @ (c[u][:, None] * y) + of_users[u] * eye, y.T @ (c[u] * p[u]))
            for u in range(USERS)
        ]
    )
