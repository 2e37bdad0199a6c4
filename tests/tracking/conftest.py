"""A made-up study, and homes whose MLflow database is copied rather than migrated."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cfexp.search.store.record import Environment, Point, Reading, RunRecord, StudyRecord
from cfexp.tracking.address import tracking_uri
from cfexp.tracking.client import open_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = 1_760_000_000_000
BEST_EPOCH = 3
ENVIRONMENT = {
    "cfexp": "1.0",
    "python": "3.13.1",
    "platform": "Linux-6",
    "machine": "x86_64",
    "cores": "8",
    "numpy": "2.4.0",
    "git_commit": "abcdef",
    "git_branch": "main",
    "git_dirty": "true",
    "threads": "4",
    "workers": "1",
}


def baseline(name: str, value: float) -> RunRecord:
    return RunRecord(
        role="baseline",
        key=f"baseline/{name}",
        label=name,
        entry=name,
        model={"kind": name},
        mask="interacted",
        state="complete",
        metrics={"val/ndcg@10": value, "test/ndcg@10": value / 2},
        seconds={"fit": 0.1, "score": 0.2},
        generation=1,
        started=START,
        ended=START + 500,
    )


def trial(number: int) -> RunRecord:
    state = ("complete", "complete", "pruned", "failed")[number % 4]
    curve = tuple(
        Point(
            epoch,
            {
                "val/ndcg@10": 0.05 + 0.001 * number - 0.01 * abs(epoch - BEST_EPOCH),
                "train/loss": 1 / epoch,
            },
        )
        for epoch in range(1, 6)
    )
    kept = {} if state == "failed" else {"val/ndcg@10": 0.05 + 0.001 * number}
    return RunRecord(
        role="trial",
        key=f"trial/{number}",
        label=f"als #{number}",
        entry="als",
        model={"kind": "als", "factors": 16 * (number + 1), "alpha": 0.5, "note": None},
        mask="interacted",
        state=state,
        metrics=kept,
        curve=() if state == "failed" else curve,
        best_epoch=None if state == "failed" else BEST_EPOCH,
        seconds={"fit": 1.5},
        facts={} if state == "failed" else {"solver_used": "cg, 2 steps"},
        seed=number,
        number=number,
        peak_memory=200_000_000,
        reason="out of memory" if state == "failed" else None,
        started=START + 1000 * number,
        ended=START + 1000 * number + 900,
    )


def final(number: int, seed: int) -> RunRecord:
    return RunRecord(
        role="final",
        key=f"final/{number}/seed-{seed}",
        label=f"als #{number}, seed {seed}",
        entry="als",
        model={"kind": "als", "factors": 16 * (number + 1), "alpha": 0.5, "note": None},
        mask="interacted",
        state="complete",
        metrics={"val/ndcg@10": 0.05 + 0.01 * seed, "test/ndcg@10": 0.04 + 0.01 * seed},
        seed=seed,
        number=number,
        generation=1,
        started=START + 90_000,
        ended=START + 91_000,
    )


@pytest.fixture(scope="session")
def make_study() -> Callable[..., StudyRecord]:
    def make(folder: Path, trials: int = 8) -> StudyRecord:
        runs = [baseline("popularity", 0.03), *map(trial, range(trials)), final(1, 0), final(1, 1)]
        return StudyRecord(
            name="made up",
            description="A study that nobody ran.",
            science="abc",
            fingerprint="def",
            text='name = "made up"\n',
            spec={"name": "made up", "seed": 7, "data": {"kind": "csv", "path": "/x/rows.csv"}},
            objectives=("ndcg@10",),
            direction="maximize",
            data={"rows": 1200, "users": 40},
            split={"rows": {"train": 1000, "test": 200}},
            runs=tuple(runs),
            readings=(Reading(1, trials, (1,), 2, 1),),
            budget=trials,
            created=START - 1,
            folder=str(folder),
            environments=(Environment(START - 1, ENVIRONMENT),),
            verdict=("als #1 reaches 0.0450.", "It is better than popularity."),
        )

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("migrated")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    open_client(tracking_uri(None, home), home)
    return home / "mlflow.db"


@pytest.fixture
def home(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(migrated, home / "mlflow.db")
    return home


@pytest.fixture
def study(make_study: Callable[..., StudyRecord], home: Path) -> StudyRecord:
    folder = home / "studies" / "made up"
    (folder / "report").mkdir(parents=True)
    (folder / "report" / "leaderboard.csv").write_text("model,test\nals,0.05\n")
    return make_study(folder)
