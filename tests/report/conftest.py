from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pytest

from cfexp.metrics.evaluation import Evaluation
from cfexp.search.store.record import Reading, RunRecord, StudyRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

N_USERS = 600
METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "mrr@10", "hitrate@10")
SPACE = {
    "factors": {"kind": "int"},
    "alpha": {"kind": "float"},
    "regularization": {"kind": "float"},
}
ALS = {"kind": "als", "factors": 64, "alpha": 1.0, "regularization": 0.01}
SPEC = {
    "models": [{"model": ALS, "name": None, "mask": "interacted", "space": SPACE}],
    "finals": {"configurations": 2, "seeds": 3},
    "buckets": [
        {"metric": "recall@10", "by": "train_positives", "edges": [10, 50]},
        {"metric": "ndcg@10", "by": "train_interactions", "edges": [20, 100]},
    ],
}
TOML = 'name = "films"\n'


def run_of(
    folder: Path, key: str, entry: str, level: float, *, number: int | None = None, mask: str
) -> RunRecord:
    """A run whose users' values lie around `level`; users are alike from run to run."""
    role: Any = key.partition("/")[0]
    model: dict[str, Any] = {"kind": entry}
    if entry == "als":
        model = ALS | ({"alpha": 1.23456} if number else {})
    users = np.random.default_rng(0)
    noise = np.random.default_rng(list(key.encode()))
    taste, activity = users.random(N_USERS), users.integers(5, 150, N_USERS)
    metrics: dict[str, float] = {}
    vectors = f"vectors/{key.replace('/', '-')}"
    for stage, shift in (("val", 1.0), ("test", 0.95)):
        evaluation = Evaluation(
            stage="validation" if stage == "val" else "test",
            users=np.arange(0, 2 * N_USERS, 2, dtype=np.int32),
            activity={"train_positives": activity, "train_interactions": activity + 20},
            catalogue={"coverage@10": 0.17},
        )
        for place, name in enumerate(METRICS):
            mean = level * shift * (1 + place / 4) * (1.4 - activity / 150)
            values = np.clip(mean * 2 * taste + 0.02 * noise.standard_normal(N_USERS), 0, 1)
            evaluation.numerators[name] = values
            evaluation.denominators[name] = np.ones(N_USERS)
        evaluation.save(folder / f"{vectors}-{stage}.npz")
        metrics |= {f"{stage}/{name}": mean for name, mean in evaluation.means().items()}
    return RunRecord(
        role=role,
        key=key,
        label=key,
        entry=entry,
        model=model,
        mask=mask,
        state="complete",
        metrics=metrics,
        best_epoch=12 if entry == "als" else None,
        seconds={"fit": 0.31 if entry == "als" else 0.012},
        number=number,
        generation=1 if role == "final" else 0,
        vectors=vectors,
    )


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., StudyRecord]:
    """Make a study of two baselines, a default and two finalists over three seeds."""

    def make(winner: float = 0.09, default: float = 0.08, **changes: object) -> StudyRecord:
        folder = tmp_path / "study"
        runs = [
            run_of(folder, "baseline/popularity/seed-1", "popularity", 0.05, mask="interacted"),
            run_of(folder, "baseline/item_knn/seed-1", "item_knn", 0.065, mask="positives"),
        ]
        for seed in (1, 2, 3):
            nudge = 0.0005 * (seed - 2)
            for key, level, number in (
                ("baseline/als default", default, None),
                ("final/17", winner, 17),
                ("final/4", winner - 0.001, 4),
            ):
                name = f"{key}/seed-{seed}"
                runs.append(
                    run_of(folder, name, "als", level + nudge, number=number, mask="interacted")
                )
        np.savez(
            folder / "vocabulary.npz", users=np.array([f"user{u}" for u in range(2 * N_USERS)])
        )
        fields: dict[str, Any] = {
            "name": "films",
            "description": "Films by taste",
            "science": "0",
            "fingerprint": "0",
            "text": TOML,
            "spec": SPEC,
            "objectives": ("ndcg@10",),
            "direction": "maximize",
            "data": {},
            "split": {},
            "runs": tuple(runs),
            "readings": (Reading(1, 30, (17, 4), 3, 17),),
            "budget": 30,
            "created": 0,
            "folder": str(folder),
        }
        return StudyRecord(**{**fields, **changes})

    return make


@pytest.fixture
def trials() -> optuna.Study:
    """Thirty trials of one model with three parameters."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        factors = trial.suggest_int("als.factors", 16, 256, log=True)
        alpha = trial.suggest_float("als.alpha", 0.5, 50, log=True)
        regularization = trial.suggest_float("als.regularization", 1e-4, 1, log=True)
        trial.suggest_categorical("als.confidence", ["linear", "log"])
        return 0.07 - 0.01 * abs(np.log(alpha)) / 4 - 0.002 * regularization + factors * 1e-6

    study.optimize(objective, n_trials=30)
    return study
