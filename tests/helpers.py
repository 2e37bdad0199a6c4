"""What several tests need: a small study, and the command line, here or in a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from cfexp.cli.main import app
from cfexp.search.spec.study_file import parse

if TYPE_CHECKING:
    from click.testing import Result

    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.record import RunRecord, StudyRecord

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
TRACKED = """
name = "shown"
description = "A whole study in a few seconds."
metrics = ["recall@10"]
[data]
kind = "synthetic"
users = 300
items = 150
interactions = 12000
[split]
kind = "per_user_last"
validation = 2
novel_only = true
[search]
trials = 6
[finals]
configurations = 1
seeds = 2
[[models]]
model = { kind = "als", epochs = 4 }
[models.space]
factors = { kind = "int", low = 4, high = 16 }
alpha = { kind = "float", low = 0.1, high = 40.0, log = true }
[[baselines]]
model = { kind = "popularity" }
[[buckets]]
metric = "recall@10"
edges = [20]
"""


MEASURED = {"started", "ended", "seconds", "peak_memory"}


def spec_of(text: str, folder: Path | None = None) -> StudySpec:
    """The study that a text describes, as if its file lay in `folder`, or the current one."""
    return parse(tomllib.loads(text)).read_from(text, folder or Path.cwd())


def outcome(run: RunRecord) -> dict[str, object]:
    """A run without what it cost."""
    return {key: value for key, value in run.to_json().items() if key not in MEASURED}


def outcomes(study: StudyRecord) -> dict[str, dict[str, object]]:
    """All runs of a study, by key."""
    return {run.key: outcome(run) for run in study.runs}


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cfexp.cli.main", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def invoke(*arguments: str | Path, catch_exceptions: bool = True) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=catch_exceptions)


def children_of(module: str) -> list[int]:
    """Return the processes of this one that run `module`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # of a process that has ended meanwhile
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and module.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
