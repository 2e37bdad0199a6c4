"""Prepared data: read once, found again only where nothing that made them has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

import cfexp.search.prepare
from cfexp.launch import run_study
from cfexp.search.kept import content_key, keep, kept
from cfexp.search.prepare import prepare
from cfexp.search.spec import StudySpec
from cfexp.search.study_file import load_study
from cfexp.splits.stage_data import load_stages

if TYPE_CHECKING:
    from pathlib import Path

STUDY = """
name = "logged"
objectives = ["ndcg@10"]
[data]
kind = "csv"
path = "log-*.csv"
columns = {{ user = "u", item = "i", value = "v", time = "t" }}
users = {{ path = "people.csv", id = "u" }}
[feedback]
positive_from = {least}
[split]
kind = "per_user_last"
test = 2
novel_only = true
[search]
trials = 1
[[models]]
model = {{ kind = "als", factors = 4, epochs = 2 }}
[models.space]
alpha = {{ kind = "float", low = 1.0, high = 2.0 }}
[[baselines]]
model = {{ kind = "popularity" }}
[[buckets]]
metric = "recall@10"
by = "age"
edges = [30]
"""


@pytest.fixture
def spec(tmp_path: Path) -> StudySpec:
    rng = np.random.default_rng(0)
    for part in range(2):
        lines = [
            f"{u},{i},{v},{t}"
            for u in range(60)
            for i, v, t in zip(
                rng.permutation(40)[:12],
                rng.integers(1, 6, 12),
                rng.integers(0, 99, 12),
                strict=True,
            )
        ]
        (tmp_path / f"log-{part}.csv").write_text("\n".join(["u,i,v,t", *lines]))
    people = [f"{u},{20 + u % 30}" for u in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["u,age", *people]))
    return study(tmp_path)


def study(folder: Path, least: int = 2) -> StudySpec:
    (folder / "study.toml").write_text(STUDY.format(least=least))
    return load_study(folder / "study.toml")


def test_the_second_start_reads_no_row_and_finds_the_same(
    spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_study(spec, home=tmp_path / "home", track=False)
    stages = tmp_path / "home" / "studies" / "logged" / "stages"
    before = {file.name: file.read_bytes() for file in stages.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(cfexp.search.prepare, "prepare", lambda *_: pytest.fail("rows were read"))
        again = run_study(spec, home=tmp_path / "home", track=False, trials=2)
    fresh = run_study(spec, home=tmp_path / "other", track=False, trials=2)
    assert (first.data, first.split) == (again.data, again.split) == (fresh.data, fresh.split)
    assert first.fingerprint == again.fingerprint == fresh.fingerprint
    assert [run.metrics for run in again.runs] == [run.metrics for run in fresh.runs]
    assert before == {file.name: file.read_bytes() for file in stages.iterdir()}


def test_what_is_mapped_is_what_was_prepared(spec: StudySpec, tmp_path: Path) -> None:
    prepared, key = prepare(spec), content_key(spec)
    facts = keep(prepared, spec, tmp_path / "stages", key)
    assert kept(tmp_path / "stages", key) == facts
    loaded = load_stages(tmp_path / "stages")
    assert [*loaded] == [*prepared.stages]
    for name, stage in prepared.stages.items():
        mapped = loaded[name].training.positives
        for part in ("data", "indices", "indptr", "rank", "age", "idle"):
            np.testing.assert_array_equal(
                getattr(mapped, part), getattr(stage.training.positives, part), strict=True
            )


def test_whatever_the_data_follow_from_changes_the_key(
    spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [content_key(spec)]
    assert content_key(study(tmp_path)) == keys[0] is not None
    assert content_key(study(tmp_path, least=3)) not in keys
    log = tmp_path / "log-0.csv"
    old, times = log.read_text(), log.stat()
    log.write_text(old.replace(",1,", ",2,", 1))  # of the same length
    os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))  # and date
    keys.append(content_key(spec))
    (tmp_path / "log-2.csv").write_text(old)  # one more that the pattern matches
    keys.append(content_key(spec))
    (tmp_path / "people.csv").write_text("u,age\n1,20")
    keys.append(content_key(spec))
    monkeypatch.setattr("cfexp.search.kept.version", lambda name: f"{name} of tomorrow")
    keys.append(content_key(spec))
    assert len(set(keys)) == len(keys)
    (tmp_path / "people.csv").unlink()
    assert content_key(spec) is None


@pytest.mark.parametrize("harm", ["torn", "flipped", "missing", "more", "no json", "other key"])
def test_what_is_not_whole_is_made_anew(harm: str, spec: StudySpec, tmp_path: Path) -> None:
    folder, key = tmp_path / "stages", content_key(spec)
    keep(prepare(spec), spec, folder, key)
    array, about = folder / "array-0.npy", folder / "prepared.json"
    content = array.read_bytes()
    match harm:
        case "torn":
            array.write_bytes(content[:-1])
        case "flipped":
            array.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "missing":
            array.unlink()
        case "more":
            (folder / "array-99.npy").write_bytes(content)
        case "no json":
            about.write_text("[1")
        case _:
            key = "0" * 32
    assert kept(folder, key) is None


def test_made_up_data_are_not_kept() -> None:
    assert content_key(load_study("studies/quickstart.toml")) is None
