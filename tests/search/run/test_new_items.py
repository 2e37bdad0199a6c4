"""Studies of new items: whole items held out, and a model that knows them by their features."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cfexp.errors import DataError, StudyConflictError
from cfexp.launch import run_study
from cfexp.models.saved import load
from cfexp.report.vectors import vectors_of
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import parse
from cfexp.search.store.store import Store

if TYPE_CHECKING:
    from cfexp.search.spec.spec import StudySpec

STUDY = """
name = "new"
objectives = ["ndcg@10"]
metrics = ["recall@10", "auc", "feature_diversity@10"]
[data]
kind = "csv"
path = "rows.csv"
columns = { user = "user", item = "item" }
{ITEMS}
[split]
kind = "by_item"
[search]
trials = 2
[finals]
configurations = 1
seeds = 1
[[models]]
model = { kind = "content" }
[models.space]
normalize = { kind = "choice", values = [false, true] }
[[baselines]]
model = { kind = "als", epochs = 2, factors = 8 }
[[baselines]]
model = { kind = "popularity" }
[[buckets]]
metric = "recall@10"
by = "item_popularity"
edges = [1]
"""
ITEMS = 'items = { path = "items.csv", id = "id" }'


def study(folder: Path, items: str = ITEMS, text: str = STUDY) -> StudySpec:
    return parse(tomllib.loads(text.replace("{ITEMS}", items))).read_from("", folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Users who keep to one of four regions of a plane, and items that lie in it."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 200))
    likes = np.array([(x > 0) & (y > 0), (x > 0) & (y < 0), (x < 0) & (y > 0), (x < 0) & (y < 0)])
    rows = ["user,item"]
    for user in range(160):
        items = rng.choice(np.flatnonzero(likes[user % 4]), 18, replace=False)
        rows += [f"{user},{item}" for item in items]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    lines = [f"{n},{a:.4f},{b:.4f}" for n, (a, b) in enumerate(zip(x, y, strict=True))]
    (tmp_path / "items.csv").write_text("\n".join(["id,x,y", *lines]))
    return tmp_path


def test_a_study(folder: Path) -> None:
    spec, home = study(folder), folder / "home"
    record = run_study(spec, home=home, track=False)
    content, *_ = record.of_role("final")
    others = [
        run for run in record.of_role("baseline") if run.key.split("/")[1] in {"als", "popularity"}
    ]
    assert len(others) == 2
    assert "tied_lists" not in content.facts
    for run in others:  # all new items are one to them
        assert run.facts["tied_lists"] == "100% on test"
        assert run.metrics["test/auc"] == pytest.approx(0.5)
        assert content.metrics["test/ndcg@10"] > 2 * run.metrics["test/ndcg@10"]
    assert content.metrics["test/auc"] > 0.9
    assert content.metrics["test/feature_diversity@10"] < 0.5
    assert record.data["item features"] == "x, y"
    assert record.data["items without features"] == 0
    assert record.split["new_candidates"] == {"validation": 20, "test": 40}
    prepared = prepare(spec)
    new = prepared.test.candidates
    assert not new[prepared.test.training.positives.indices].any()
    vectors = vectors_of(record, content, "test")
    saved = load(Path(record.folder, "model", "model.npz"))
    lists, _ = saved.top(vectors.users, 10)
    assert new[lists].all()
    hits = [
        np.isin(found, prepared.test.relevant[[user]].indices).sum()
        for user, found in zip(vectors.users, lists, strict=True)
    ]
    np.testing.assert_array_equal(vectors.numerators["recall@10"], hits)
    assert [name.rpartition("/")[2] for name in vectors.class_numerators] == [">=1", "<1"]
    assert vectors.class_denominators["recall@10/edges 1/<1"].all(), "all that is asked for is new"
    items = folder / "items.csv"
    items.write_text("\n".join(items.read_text().splitlines()[:-1]))
    with pytest.raises(StudyConflictError, match="other item features"):
        run_study(spec, home=home, track=False)


def test_what_needs_features_says_so_before_anything_is_trained(folder: Path) -> None:
    with pytest.raises(DataError, match=r"model 'content' and metric 'feature_diversity@10' need"):
        prepare(study(folder, items=""))
    useless = ITEMS.replace("id = ", 'columns = { x = "y" }, id = ').replace('"items', '"same')
    (folder / "same.csv").write_text("id,y\n1,3\n2,3\n")
    with pytest.raises(DataError, match=r"tell items apart \(x: all items have the same value\)"):
        prepare(study(folder, items=useless))
    popular = STUDY.replace('"content"', '"ease"').replace("normalize", "binary")
    with pytest.raises(DataError, match=r"^metric 'feature_diversity@10' need item features"):
        prepare(study(folder, items="", text=popular))
    assert prepare(study(folder, items="", text=popular.replace("feature_diversity", "ndcg")))


def test_new_items_among_all_others(folder: Path) -> None:
    text = STUDY.replace('kind = "by_item"', 'kind = "by_item"\ncold_items = "candidates"')
    test = prepare(study(folder, text=text)).test
    fitted = test.training.item_counts > 0
    assert (test.candidates >= fitted).all()
    assert 30 < np.count_nonzero(test.candidates & ~fitted) <= 40


@pytest.mark.parametrize("needing", ["model 'content'", "metric 'feature_diversity@10'"])
def test_what_was_run_on_other_features_is_not_taken_for_the_same(
    folder: Path, needing: str
) -> None:
    als = STUDY[STUDY.index("[[baselines]]") : STUDY.rindex("[[baselines]]")]
    base = STUDY[: STUDY.index("[[models]]")] + als
    plain, used = base.replace(', "feature_diversity@10"', ""), base
    if needing.startswith("model"):
        used = plain + als.replace('"als", epochs = 2, factors = 8', '"content"')

    def create(text: str) -> Store:
        spec = study(folder, text=text)
        return Store.create(spec, folder / "home", prepare(spec).facts(spec))

    create(used)
    items = folder / "items.csv"
    items.write_text("\n".join(items.read_text().splitlines()[:-1]))
    if needing.startswith("model"):  # metrics are the study's for ever
        create(plain)
    with pytest.raises(StudyConflictError, match=rf"other item features, on which .* {needing}"):
        create(used)
