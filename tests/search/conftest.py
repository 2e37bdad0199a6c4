"""A study small enough to run in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, spec_of

from cfexp.launch import run_study
from cfexp.search.spec.spec import StudySpec
from cfexp.search.spec.study_file import load_study
from cfexp.search.store.record import StudyRecord


@pytest.fixture(scope="session")
def small() -> StudySpec:
    return spec_of(SMALL)


@pytest.fixture(scope="session")
def finished(
    small: StudySpec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, StudyRecord]:
    home = tmp_path_factory.mktemp("home")
    return home, run_study(small, home=home, track=False)


LOGGED = """
name = "logged"
objectives = ["ndcg@10"]
[data]
kind = "csv"
path = "log-*.csv"
columns = { user = "u", item = "i", value = "v", time = "t" }
users = { path = "people.csv", id = "u" }
items = { path = "things.csv", id = "i" }
[feedback]
positive_from = 2
[split]
kind = "per_user_last"
test = 2
novel_only = true
[search]
trials = 1
[[models]]
model = { kind = "als", factors = 4, epochs = 2 }
[models.space]
alpha = { kind = "float", low = 1.0, high = 2.0 }
[[baselines]]
model = { kind = "popularity" }
[[buckets]]
metric = "recall@10"
by = "age"
edges = [30]
"""


@pytest.fixture
def logged(tmp_path: Path) -> StudySpec:
    """A study on CSV files, of users and items too."""
    rng = np.random.default_rng(0)
    for part in range(2):
        columns = rng.permuted(np.tile(np.arange(40), (60, 1)), axis=1)[:, :12].ravel()
        lines = [
            f"{place // 12},{i},{v},{t}"
            for place, (i, v, t) in enumerate(
                zip(columns, rng.integers(1, 6, 720), rng.integers(0, 99, 720), strict=True)
            )
        ]
        (tmp_path / f"log-{part}.csv").write_text("\n".join(["u,i,v,t", *lines]))
    people = [f"{u},{20 + u % 30},0{u % 4}" for u in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["u,age,zip", *people]))
    things = [f"{i},{i % 7},{i % 3}" for i in range(40)]
    (tmp_path / "things.csv").write_text("\n".join(["i,size,shape", *things]))
    (tmp_path / "logged.toml").write_text(LOGGED)
    return load_study(tmp_path / "logged.toml")
