"""A whole small study for every kind of split, with every kind of model."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import spec_of

from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.launch import run_study
from cfexp.metrics.evaluation import Evaluation
from cfexp.models.saved import load
from cfexp.report.vectors import vectors_of
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import parse

STUDY = """
name = "whole"
objectives = ["ndcg@10"]
metrics = ["recall@10", "coverage@10"]
[data]
{data}
[feedback]
duplicates = "sum"
[split]
novel_only = true
{split}
[search]
trials = 2
[finals]
configurations = 1
seeds = 1
[[models]]
model = {{ kind = "als", epochs = 2, factors = 8 }}
[models.space]
alpha = {{ kind = "float", low = 0.5, high = 4.0 }}
[[baselines]]
model = {{ kind = "popularity" }}
[[baselines]]
model = {{ kind = "item_knn" }}
[[baselines]]
model = {{ kind = "ease" }}
[[baselines]]
model = {{ kind = "svd", factors = 8 }}
[[baselines]]
model = {{ kind = "nmf", factors = 8 }}
[[baselines]]
model = {{ kind = "random" }}
[[buckets]]
metric = "recall@10"
edges = [20]
"""
SYNTHETIC = 'kind = "synthetic"\nusers = 150\nitems = 100\ninteractions = 6000'
CSV = 'kind = "csv"\npath = "{name}.csv"\ncolumns = {columns}'
COLUMNS = 'user = "user", item = "item", time = "time"'
SPLITS = {
    "per_user_last": 'kind = "per_user_last"\ntest = 3\nfolds = 3',
    "per_user_fraction": 'kind = "per_user_fraction"',
    "leave_one_out": 'kind = "leave_one_out"',
    "random_per_user": 'kind = "random_per_user"\nfolds = 2',
    "by_time": 'kind = "by_time"\ntest = 60\nvalidation = 60\nnew_users = "count"',
    "by_user": 'kind = "by_user"\ntest = 30\nvalidation = 30',
    "column": 'kind = "predefined"\ncold_items = "drop"',
    "files": 'kind = "predefined"\nvalidation = 2',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the same rows: one with a column `part`, or one of train and one of test."""
    made = tmp_path_factory.mktemp("data")
    rows = prepare(parse(tomllib.loads(STUDY.format(data=SYNTHETIC, split=SPLITS["by_time"])))).rows
    order = np.argsort(rows.time, kind="stable")
    lines = [
        f"u{rows.users.ids[rows.user[at]]},{rows.items.ids[rows.item[at]]},{rows.time[at] // 10**6}"
        for at in order
    ]
    n = len(lines)
    parts = np.repeat(["train", "validation", "test"], [n - 1600, 800, 800])
    head = "user,item,time"
    (made / "column.csv").write_text(
        "\n".join([f"{head},part", *(f"{a},{b}" for a, b in zip(lines, parts, strict=True))])
    )
    (made / "files.csv").write_text("\n".join([head, *lines[:-800]]))
    (made / "test.csv").write_text("\n".join([head, *lines[-800:]]))
    return made


def data_of(name: str) -> str:
    if name == "column":
        return CSV.format(name=name, columns=f'{{ {COLUMNS}, part = "part" }}')
    if name == "files":
        return CSV.format(name=name, columns=f"{{ {COLUMNS} }}") + '\ntest_path = "test.csv"'
    return SYNTHETIC


@pytest.mark.parametrize("name", SPLITS)
def test_a_study_of_every_split(name: str, folder: Path, tmp_path: Path) -> None:
    text = STUDY.format(data=data_of(name), split=SPLITS[name])
    spec = spec_of(text, folder)
    study = run_study(spec, home=tmp_path, track=False)
    assert {run.state for run in study.runs} <= {"complete", "pruned"}
    assert len(study.of_role("baseline")) == 7
    (final,) = study.of_role("final")
    best = max(run.metrics["test/ndcg@10"] for run in study.of_role("baseline"))
    assert final.metrics["test/ndcg@10"] > 0.02
    assert best > 0.02
    assert study.split["settings"]["kind"] == spec.split.kind
    prepared = prepare(spec)
    for stage, part in (("val", prepared.validation), ("test", [prepared.test])):
        found = vectors_of(study, final, stage)
        assert isinstance(found, Evaluation)
        everybody = np.unique(np.concatenate([one.users for one in part]))
        np.testing.assert_array_equal(found.users, everybody)
    # What the saved model recommends is what was evaluated, also to users held out whole.
    saved = load(Path(study.folder, "model", "model.npz"))
    lists, _ = saved.top(found.users, 10)
    hits = [
        np.isin(items, relevant.indices).sum()
        for items, relevant in zip(
            lists, (prepared.test.relevant[[user]] for user in found.users), strict=True
        )
    ]
    np.testing.assert_array_equal(found.numerators["recall@10"], hits)
    share = study.split["future_share"]
    assert (share == 0) == (name in {"by_time", "column", "files"})
    again = run_study(spec, home=tmp_path, track=False)
    assert again.runs == study.runs


def test_files_are_one_vocabulary(folder: Path) -> None:
    def load(name: str) -> Interactions:
        text = STUDY.format(data=data_of(name), split=SPLITS[name])
        return parse(tomllib.loads(text)).data.load(Places(folder, folder))

    column, files = load("column"), load("files")
    assert column.part is not None
    assert files.part is not None
    assert column.users.ids.tolist() == files.users.ids.tolist()
    assert column.items.ids.tolist() == files.items.ids.tolist()
    assert (column.user == files.user).all()
    assert (column.row == files.row).all()
    assert ((column.part == 2) == (files.part == 2)).all()
