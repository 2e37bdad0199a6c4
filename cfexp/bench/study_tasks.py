"""How people tune without cfexp: a notebook's loop over implicit, and irspack's own tuner.

Both are handed ready matrices (cfexp reads and splits its data itself) and search the
spaces they are published with; both name one configuration by ndcg@10 on validation.
"""

from __future__ import annotations

import math
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy import sparse

from cfexp.metrics.evaluate import evaluate
from cfexp.splits.stage_data import load_stages

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Matrix
    from cfexp.models.scorer import Scorer
    from cfexp.splits.stage_data import StageData

_K = 10
_FACTORS = [32, 64, 96, 128, 192, 256]
_ALPHAS = [5, 10, 20, 40, 80]
_ITERATIONS = [10, 20, 30]


def notebook(folder: str, trials: int, threads: int, seed: int) -> dict[str, Any]:
    """Tune implicit as notebooks do: fit, recommend user by user, metrics in Python."""
    import optuna
    from implicit.cpu.als import AlternatingLeastSquares

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    stages = load_stages(Path(folder))
    train, validation = _peer_matrices(stages["validation"])

    def fitted(matrix: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401
        model = AlternatingLeastSquares(num_threads=threads, random_state=seed, **values)
        model.fit(matrix, show_progress=False)
        return model

    def objective(trial: optuna.Trial) -> float:
        values = {
            "factors": trial.suggest_categorical("factors", _FACTORS),
            "regularization": trial.suggest_float("regularization", 1e-4, 1e-1, log=True),
            "alpha": trial.suggest_categorical("alpha", _ALPHAS),
            "iterations": trial.suggest_categorical("iterations", _ITERATIONS),
        }
        return _ndcg_by_user(fitted(train, values), train, validation)

    began = perf_counter()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    test_train, test = _peer_matrices(stages["test"])
    model = fitted(test_train, study.best_params)
    _ndcg_by_user(model, test_train, test)
    seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "validation": study.best_value,
        "test": _test(stages["test"], model.user_factors, model.item_factors),
        "parameters": study.best_params,
    }


def _ndcg_by_user(model: Any, train: Any, held_out: Any) -> float:  # noqa: ANN401
    """Return ndcg@10 as the published notebook has it: one recommend call a user."""
    values = []
    for user in range(held_out.shape[0]):
        relevant = set(held_out.indices[held_out.indptr[user] : held_out.indptr[user + 1]])
        if not relevant:
            continue
        items, _ = model.recommend(user, train[user], N=_K, filter_already_liked_items=True)
        gain = sum(1 / math.log2(i + 2) for i, item in enumerate(items) if item in relevant)
        ideal = sum(1 / math.log2(i + 2) for i in range(min(len(relevant), _K)))
        values.append(gain / ideal)
    return sum(values) / len(values)


def irspack_tuner(folder: str, trials: int, threads: int, seed: int) -> dict[str, Any]:
    """Tune irspack's ALS by its own `tune`, with its own ranges and early stopping."""
    import optuna
    from irspack.evaluation import Evaluator
    from irspack.recommenders.ials import IALSRecommender

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    stages = load_stages(Path(folder))
    train, validation = _peer_matrices(stages["validation"])
    began = perf_counter()
    evaluator = Evaluator(validation, cutoff=_K, target_metric="ndcg", n_threads=threads)
    best, history = IALSRecommender.tune(
        train, evaluator, n_trials=trials, tuning_random_seed=seed, n_threads=threads
    )
    test_train, test = _peer_matrices(stages["test"])
    model = IALSRecommender(test_train, n_threads=threads, **best).learn()
    Evaluator(test, cutoff=_K, n_threads=threads).get_score(model)
    seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "validation": -float(history["value"].min()),
        "test": _test(stages["test"], model.get_user_embedding(), model.get_item_embedding()),
        "parameters": best,
    }


def _peer_matrices(stage: StageData) -> tuple[Any, Any]:
    """Return what is trained on and what is to be found, as the peers take them."""
    return sparse.csr_matrix(stage.training.positives.matrix), sparse.csr_matrix(stage.relevant)


class _Ready:
    """Factors, in the place of a scorer of the users of a stage."""

    def __init__(self, users: AnyArray, items: AnyArray, stage: StageData) -> None:
        self._users, self._items = users[stage.users], items

    def queries(self, history: Matrix) -> AnyArray:
        if history.shape[0] != len(self._users):
            raise ValueError(f"{history.shape[0]} histories for {len(self._users)} users")
        return self._users

    def scores(self, queries: AnyArray) -> AnyArray:
        return np.asarray(queries @ self._items.T, np.float32)


def _test(stage: StageData, users: AnyArray, items: AnyArray) -> float:
    """Return ndcg@10 on the test set by our metric, everything in the history hidden."""
    scorer = cast("Scorer", _Ready(users, items, stage))
    return float(evaluate(scorer, stage, [f"ndcg@{_K}"]).means()[f"ndcg@{_K}"])
