"""A study small enough to run in seconds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cfexp.search.spec import StudySpec
from cfexp.search.study_file import parse

SMALL = """
name = "small"
seed = 5
objectives = ["ndcg@10"]
metrics = ["recall@10", "coverage@10"]
[data]
kind = "synthetic"
users = 200
items = 120
interactions = 9000
[feedback]
duplicates = "sum"
[split]
kind = "per_user_last"
test = 3
validation = 2
min_train = 4
novel_only = true
[search]
trials = 8
sampler = { kind = "tpe", startup = 3 }
pruner = { kind = "median", startup = 2, warmup = 1 }
[finals]
configurations = 2
seeds = 2
[[models]]
model = { kind = "als", epochs = 4, factors = 8 }
[models.space]
factors = { kind = "int", low = 4, high = 16 }
alpha = { kind = "float", low = 0.1, high = 40.0, log = true }
[[baselines]]
model = { kind = "popularity" }
"""


@pytest.fixture(scope="session")
def small() -> StudySpec:
    return parse(tomllib.loads(SMALL)).read_from(SMALL, Path.cwd())
