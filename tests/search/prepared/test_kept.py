"""Prepared data: made once, found again only where nothing that they follow from has changed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cfexp
from cfexp.arrays import load_arrays
from cfexp.errors import InputError
from cfexp.search.prepared.kept import CODE, content_key, keep, kept
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.spec import StudySpec
from cfexp.splits.stage_data import StageData


def test_what_is_mapped_is_what_was_prepared(logged: StudySpec, tmp_path: Path) -> None:
    prepared, key, folder = prepare(logged), content_key(logged) or "", tmp_path / "kept"
    facts = keep(prepared, logged, folder, key)
    found = kept(folder, key)
    assert found is not None
    assert found.facts(logged) == facts == json.loads(json.dumps(prepared.facts(logged)))
    assert [*found.known.stages] == [*prepared.stages]
    for name, stage in prepared.stages.items():
        same_stage(found.known.stages[name], stage)
    known, wanted = found.known.attributes.columns, prepared.known.attributes.columns
    assert [*known] == [*wanted] == ["age", "zip"]
    for name, column in wanted.items():
        np.testing.assert_array_equal(known[name], column, strict=True)
    ids = load_arrays(folder / "vocabulary.npz")
    np.testing.assert_array_equal(ids["users"], prepared.rows.users.ids, strict=True)


def same_stage(found: StageData, wanted: StageData) -> None:
    for one, other in (
        (found.training.positives, wanted.training.positives),
        (found.training.by_item, wanted.training.by_item),
        (found.history, wanted.history),
    ):
        for part in ("data", "indices", "indptr", "rank", "age", "idle"):
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part), strict=True)
    for matrix in ("seen", "relevant"):
        assert (getattr(found, matrix) != getattr(wanted, matrix)).nnz == 0
    np.testing.assert_array_equal(found.candidates, wanted.candidates, strict=True)
    assert found.relevant_hidden == wanted.relevant_hidden
    features, others = found.training.features, wanted.training.features
    assert features is not None
    assert others is not None
    assert features.digest == others.digest


MODELS = [{"model": {"kind": "ease"}, "mask": "positives"}]
OTHER: dict[str, tuple[dict[str, Any], bool]] = {
    "name": ({"name": "another"}, True),
    "description": ({"description": "x"}, True),
    "seed": ({"seed": 7}, True),
    "objectives": ({"objectives": ["recall@5"]}, True),
    "metrics": ({"metrics": ["coverage@10"]}, True),
    "data": ({"data": {"path": "log-0.csv"}}, False),
    "clean": ({"clean": [{"kind": "log"}]}, False),
    "feedback": ({"feedback": {"positive_from": 3}}, False),
    "split": ({"split": {"test": 3}}, False),
    "search": ({"search": {"trials": 9, "evaluate_every": 2}}, True),
    "finals": ({"finals": {"seeds": 1}}, True),
    "models": ({"models": MODELS}, True),
    "baselines": ({"baselines": MODELS}, True),
    "buckets": ({"buckets": [{"metric": "recall@10", "by": "zip"}]}, True),
}


@pytest.mark.parametrize("key", StudySpec.model_fields)
def test_the_key_follows_from_the_settings_that_make_the_data(key: str, logged: StudySpec) -> None:
    change, same = OTHER[key]
    assert (content_key(changed(logged, change)) == content_key(logged)) == same


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"missing_values": "drop"}},
        {"data": {"columns": {"user": "u", "item": "i", "value": "v"}}},
        {"data": {"users": {"path": "people.csv", "id": "u", "columns": {"years": "age"}}}},
        {"data": {"items": {"path": "things.csv", "id": "i", "categories": ["size"]}}},
        {"clean": [{"kind": "bots", "quantile": 0.9}]},
        {"clean": [{"kind": "bots", "quantile": 0.99}]},
        {"feedback": {"values": "ones"}},
        {"feedback": {"duplicates": "sum"}},
        {"split": {"validation": 2}},
        {"split": {"min_user": 2}},
        {"split": {"since": "1970-01-01"}},
        {"split": {"fit_for_test": "train"}},
        {"split": {"cold_items": "drop"}},
        {"split": {"kind": "random_per_user"}},
        {"split": {"kind": "random_per_user", "seed": 1}},
    ],
    ids=str,
)
def test_every_setting_of_them_counts(change: dict[str, Any], logged: StudySpec) -> None:
    one = changed(logged, change)
    others = [logged, changed(logged, {"split": {"kind": "random_per_user", "seed": 2}})]
    assert content_key(one) not in {None, *map(content_key, others)}


def changed(spec: StudySpec, change: dict[str, Any]) -> StudySpec:
    """A study whose settings differ; tables of one kind are merged, others replaced."""
    values = spec.model_dump(mode="json", exclude_unset=True)
    for key, value in change.items():
        old = values.get(key)
        merged = isinstance(old, dict) and value.get("kind", old.get("kind")) == old.get("kind")
        values[key] = old | value if merged and isinstance(old, dict) else value
    return StudySpec.model_validate(values).read_from("", spec.folder)


def test_whatever_else_the_data_follow_from_changes_the_key(
    logged: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [content_key(logged)]
    log = tmp_path / "log-0.csv"
    old, times = log.read_text(), log.stat()
    log.write_text(old.replace(",1,", ",2,", 1))  # of the same length
    os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))  # and date
    keys.append(content_key(logged))
    (tmp_path / "log-2.csv").write_text(old)  # one more that the pattern matches
    keys.append(content_key(logged))
    (tmp_path / "people.csv").write_text("u,age\n1,20")
    keys.append(content_key(logged))
    (tmp_path / "things.csv").write_text("i,size\n1,20")
    keys.append(content_key(logged))
    monkeypatch.setattr("cfexp.search.prepared.kept.version", lambda name: f"{name} of tomorrow")
    keys.append(content_key(logged))
    monkeypatch.setattr("cfexp.search.prepared.kept.CODE", ("data",))
    keys.append(content_key(logged))
    assert len(set(keys)) == len(keys)
    (tmp_path / "people.csv").unlink()
    assert content_key(logged) is None


def test_what_files_are_read_as_changes_the_key(logged: StudySpec, tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "1.csv").write_text((tmp_path / "log-0.csv").read_text())
    moved = tmp_path / "train" / "2.csv"
    moved.write_text((tmp_path / "log-1.csv").read_text())
    files = {"path": "train/*.csv", "test_path": "test/*.csv"}
    spec = changed(logged, {"data": files, "split": {"kind": "predefined"}})
    before = content_key(spec)
    moved.rename(tmp_path / "test" / "2.csv")
    assert None not in {before, content_key(spec)}
    assert content_key(spec) != before
    columns = [{"a": "x", "b": "y"}, {"b": "y", "a": "x"}]  # features are told by their order too
    tables = [{"path": "things.csv", "id": "i", "columns": one} for one in columns]
    one, other = (content_key(changed(logged, {"data": {"items": table}})) for table in tables)
    assert one != other


def test_the_code_is_all_that_data_are_made_with() -> None:
    package = Path(cfexp.__file__).parent
    files = {file for name in CODE for file in (package / name, *(package / name).rglob("*.py"))}
    parts = {
        part
        for file in files
        if file.is_file() and "search" not in file.parts  # which looks at the study besides
        for part in re.findall(r"^ *(?:from|import) cfexp\.(\w+)", file.read_text(), re.MULTILINE)
    }
    assert parts <= {name.removesuffix(".py") for name in CODE}
    assert {"seeds", "recipe", "data"} <= parts


@pytest.mark.parametrize(
    "harm", ["torn", "flipped", "missing", "more", "no json", "other key", "other facts"]
)
def test_what_is_not_whole_is_not_found(harm: str, logged: StudySpec, tmp_path: Path) -> None:
    folder, key = tmp_path / "kept", content_key(logged) or ""
    keep(prepare(logged), logged, folder, key)
    assert kept(folder, key) is not None
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
        case "other facts":
            about.write_text(about.read_text().replace('"facts"', '"fact"'))
        case _:
            key = "0" * 32
    assert kept(folder, key) is None


def test_files_that_change_while_they_are_read_are_not_kept(
    logged: StudySpec, tmp_path: Path
) -> None:
    folder, key = tmp_path / "kept", content_key(logged) or ""
    prepared = prepare(logged)
    (tmp_path / "people.csv").write_text("u,age\n1,20")
    assert keep(prepared, logged, folder, key) == prepared.facts(logged)
    assert kept(folder, key) is None
    assert kept(folder, content_key(logged) or "") is None


UNFIT = {
    "no such attribute": {"buckets": [{"metric": "recall@10", "by": "income"}]},
    "no such value": {"buckets": [{"metric": "recall@10", "by": "zip", "values": ["x"]}]},
    "edges of text": {"buckets": [{"metric": "recall@10", "by": "zip", "edges": [3]}]},
    "no group is large enough": {
        "objectives": ["recall@10:worst:age"],
        "buckets": [{"metric": "recall@10", "by": "age", "minimum": 1000}],
    },
}


@pytest.mark.parametrize("change", UNFIT.values(), ids=UNFIT)
def test_what_a_study_cannot_do_with_data_is_said_of_found_ones_too(
    change: dict[str, Any], logged: StudySpec, tmp_path: Path
) -> None:
    folder, key, unfit = tmp_path / "kept", content_key(logged) or "", changed(logged, change)
    keep(prepare(logged), logged, folder, key)
    found = kept(folder, key)
    assert found is not None
    assert content_key(unfit) == key
    with pytest.raises(InputError) as wanted:
        prepare(unfit)
    with pytest.raises(InputError) as said:
        found.known.check(unfit)
    assert str(said.value) == str(wanted.value)


def test_masks_and_features_are_checked_of_found_data(logged: StudySpec, tmp_path: Path) -> None:
    items = {"path": "same.csv", "id": "i"}
    (tmp_path / "same.csv").write_text("i,size\n" + "\n".join(f"{i},5" for i in range(40)))
    again = changed(logged, {"data": {"items": items}, "split": {"novel_only": False}})
    repeating = changed(again, {"models": [], "baselines": [{**POPULARITY, "mask": "none"}]})
    key, folder = content_key(repeating) or "", tmp_path / "kept"
    keep(prepare(repeating), repeating, folder, key)
    found = kept(folder, key)
    assert found is not None
    found.known.check(repeating)
    content = changed(repeating, {"baselines": [{"model": {"kind": "content"}, "mask": "none"}]})
    for unfit, words in (
        (changed(repeating, {"baselines": [POPULARITY]}), "would be hidden by mask"),
        (content, "all items have the same value"),
    ):
        assert content_key(unfit) == key
        with pytest.raises(InputError, match=words) as wanted:
            prepare(unfit)
        with pytest.raises(InputError) as said:
            found.known.check(unfit)
        assert str(said.value) == str(wanted.value)


POPULARITY = {"model": {"kind": "popularity"}}


def test_facts_are_those_of_the_study_that_asks(logged: StudySpec, tmp_path: Path) -> None:
    folder, key = tmp_path / "kept", content_key(logged) or ""
    keep(prepare(logged), logged, folder, key)
    found = kept(folder, key)
    assert found is not None
    by_age = {"metric": "recall@10", "by": "age", "edges": [30], "minimum": 1}
    worst = {"objectives": ["recall@10:worst:age"], "buckets": [by_age]}
    content = {"baselines": [{"model": {"kind": "content"}}]}
    facts = []
    for change in (worst, content, worst | content):
        spec = changed(logged, change)
        facts.append(found.facts(spec))
        assert facts[-1] == json.loads(json.dumps(prepare(spec).facts(spec)))
    hashes = [(one["grouped_by"] is None, one["features"] is None) for one in facts]
    assert hashes == [(False, True), (True, False), (False, False)]
