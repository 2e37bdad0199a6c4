"""What child processes are asked to measure; plain values in, plain values out."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.bench import contenders, data, matrices, study_tasks
from cfexp.bench.contenders import Settings
from cfexp.bench.memory import PeakMemory
from cfexp.bench.objective import loss
from cfexp.search.warm import compile_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDE = 2048  # of the matrices whose product shows what the machine can do
_PRODUCTS = 5
_RANKINGS = 3


def fit(contender: str, matrix: str, settings: dict[str, Any]) -> dict[str, float]:
    """Return the seconds, the loss and the peak memory (bytes) of one fit.

    The clock runs from the matrix in memory to user and item factors in memory.
    """
    asked = Settings(**settings)
    data = matrices.load(Path(matrix))
    work = contenders.ready(contender, asked)
    memory = PeakMemory()
    began = perf_counter()
    x, y = work(data)
    seconds = perf_counter() - began
    peak = memory.bytes()
    value = loss(x, y, data, alpha=asked.alpha, regularization=asked.regularization)
    return {"seconds": seconds, "loss": value, "peak_bytes": peak}


def epochs_to(target: float, matrix: str, settings: dict[str, Any]) -> dict[str, float | None]:
    """Return after how many epochs our loss is no higher than `target`, None if it never is."""
    asked = Settings(**settings)
    data = matrices.load(Path(matrix))
    value = None
    for number, scorer in contenders.scorers(data, asked):
        x, y = scorer.user_factors, scorer.item_factors
        value = loss(x, y, data, alpha=asked.alpha, regularization=asked.regularization)
        if value <= target:
            return {"epochs": number, "loss": value}
    return {"epochs": None, "loss": value}


def first_epoch(began: float) -> dict[str, float]:
    """Return the seconds from `began` (time.time() in the parent) to the end of an epoch."""
    data = matrices.synthetic(2_000)
    asked = Settings(factors=64, alpha=4.0, regularization=0.01, epochs=1, threads=1, seed=0)
    next(contenders.scorers(data, asked))
    return {"seconds": time.time() - began}


def compiled() -> dict[str, float]:
    """Leave everything compiled in Numba's cache for the processes that follow."""
    compile_kernels()
    return {}


def matrix_product() -> dict[str, float]:
    """Return the GFLOP/s of a float32 matrix product, with the threads the parent set."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((_SIDE, _SIDE), np.float32) for _ in range(2))
    seconds = []
    for _ in range(_PRODUCTS):
        began = perf_counter()
        a @ b
        seconds.append(perf_counter() - began)
    return {"gflops": 2e-9 * _SIDE**3 / min(seconds)}


def factors_to(folder: str, matrix: str, settings: dict[str, Any]) -> dict[str, float]:
    """Fit our model and leave its factors in `folder`, for rankings by all contenders."""
    asked = Settings(**settings)
    x, y = contenders.ready("cfexp", asked)(matrices.load(Path(matrix)))
    np.save(Path(folder) / "users.npy", x, allow_pickle=False)
    np.save(Path(folder) / "items.npy", y, allow_pickle=False)
    return {}


def rank(contender: str, folder: str, matrix: str, k: int, threads: int) -> dict[str, float]:
    """Return the seconds for the top k of all users, from the factors in `folder`.

    The median of three calls, after one that is not timed; its lists are left in
    `folder`.
    """
    data = matrices.load(Path(matrix))
    x, y = (np.load(Path(folder) / f"{side}.npy") for side in ("users", "items"))
    work = _RANKERS[contender](data, x, y, k, threads)
    items = work()
    np.save(Path(folder) / f"{contender}.npy", items, allow_pickle=False)
    seconds = []
    for _ in range(_RANKINGS):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return {"seconds": median(seconds)}


def _rank_cfexp(data: Any, x: Any, y: Any, k: int, threads: int) -> Callable[[], Any]:  # noqa: ANN401
    from cfexp.data.positives import Positives
    from cfexp.models.als import ALS
    from cfexp.models.als_scorer import AlsScorer

    scorer = AlsScorer(ALS(factors=x.shape[1]), Positives.of(data), y, threads=threads)
    vars(scorer)["user_factors"] = x  # where cached_property would put them
    users = np.arange(len(x), dtype=np.int32)
    return lambda: scorer.recommend(users, k)[0]


def _rank_implicit(data: Any, x: Any, y: Any, k: int, threads: int) -> Callable[[], Any]:  # noqa: ANN401
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse

    model = AlternatingLeastSquares(factors=x.shape[1], num_threads=threads)
    model.user_factors, model.item_factors = x, y
    rows, users = sparse.csr_matrix(data), np.arange(len(x))
    return lambda: model.recommend(users, rows, N=k, filter_already_liked_items=True)[0]


_RANKERS = {"cfexp": _rank_cfexp, "implicit": _rank_implicit}

TASKS: dict[str, Callable[..., Any]] = {
    "fit": fit,
    "epochs_to": epochs_to,
    "first_epoch": first_epoch,
    "compile": compiled,
    "matrix_product": matrix_product,
    "factors_to": factors_to,
    "rank": rank,
    "notebook": study_tasks.notebook,
    "irspack": study_tasks.irspack_tuner,
    "log_to": data.log_to,
    "pandas_read": data.pandas_read,
    "prepare": data.prepare,
    "second_start": data.second_start,
}
