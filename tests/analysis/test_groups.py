"""Groups against the same definitions in pandas and plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cfexp.analysis import groups
from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import bucket_rows, by_bucket, item_classes
from cfexp.data.positives import Positives
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.training import TrainingData
from cfexp.errors import EvaluationError
from cfexp.metrics.averages import average
from cfexp.metrics.evaluate import evaluate
from cfexp.metrics.evaluation import Evaluation
from cfexp.models.popularity import Popularity
from cfexp.splits.stage_data import StageData

N_USERS, N_ITEMS = 300, 80


@pytest.fixture(scope="module")
def stage() -> StageData:
    rng = np.random.default_rng(3)
    taste = 1 / np.arange(1, N_ITEMS + 1) ** 0.7
    activity = rng.uniform(0.2, 1, (N_USERS, 1))
    history = rng.random((N_USERS, N_ITEMS)) < taste * activity
    history[:, 0] = True
    relevant = ~history & (rng.random(history.shape) < 0.1)
    relevant[::7] = False
    matrices = [sparse.csr_array(part.astype(np.float32)) for part in (history, relevant)]
    training = Positives(matrices[0])
    return StageData("test", TrainingData(training), training, *matrices, history.any(axis=0))


@pytest.fixture(scope="module")
def attributes() -> Attributes:
    rng = np.random.default_rng(4)
    country = rng.choice(["", "de", "fr", "is"], N_USERS, p=[0.1, 0.5, 0.3, 0.1])
    age = np.where(rng.random(N_USERS) < 0.1, np.nan, rng.integers(10, 80, N_USERS))
    return Attributes({"country": country, "age": age})


@pytest.fixture(scope="module")
def evaluation(stage: StageData) -> Evaluation:
    kinds = [Buckets(metric=m, by="item_popularity") for m in ("recall@10", "ndcg@5")]
    kinds.append(Buckets(metric="recall@10", by="item_popularity", quantiles=4))
    kinds.append(Buckets(metric="recall@10", by="item_popularity", edges=(1, 9)))
    counts = np.diff(stage.training.by_item.indptr)
    classes = [item_classes(kind, counts) for kind in kinds]
    scorer = Popularity().fit(stage.training)
    return evaluate(scorer, stage, ["recall@10", "ndcg@5", "mrr@10"], classes=classes)


def by_pandas(evaluation: Evaluation, labels: pd.Series) -> dict[str, tuple[int, float]]:
    frame = pd.DataFrame({"label": labels, "value": evaluation.values("mrr@10")})
    found = frame.groupby("label")["value"].agg(["size", "mean"])
    return {str(label): (int(n), float(mean)) for label, n, mean in found.itertuples()}


def rows_of(evaluation: Evaluation, attributes: Attributes, **fields: object) -> dict:
    buckets = Buckets.model_validate({"metric": "mrr@10", **fields})
    found = by_bucket(evaluation, buckets, attributes)
    return {group.label: (len(group.per_user), group.mean) for group in found}


def test_values_of_an_attribute(evaluation: Evaluation, attributes: Attributes) -> None:
    country = pd.Series(attributes.columns["country"][evaluation.users])
    expected = by_pandas(evaluation, country.replace("", "unknown"))
    found = rows_of(evaluation, attributes, by="country")
    assert found == {label: (n, pytest.approx(mean)) for label, (n, mean) in expected.items()}
    assert list(found) == ["de", "fr", "is", "unknown"]
    chosen = country.where(country.isin(["fr", ""]), "other").replace("", "unknown")
    expected = by_pandas(evaluation, chosen)
    found = rows_of(evaluation, attributes, by="country", values=["fr"])
    assert found == {label: (n, pytest.approx(mean)) for label, (n, mean) in expected.items()}
    assert list(found) == ["fr", "other", "unknown"]


def test_edges_of_an_attribute(evaluation: Evaluation, attributes: Attributes) -> None:
    age = pd.Series(attributes.columns["age"][evaluation.users])
    labels = pd.cut(age, [0, 18, 40, 200], right=False, labels=["<18", "18-39", ">=40"])
    expected = by_pandas(evaluation, labels.astype(object).fillna("unknown"))
    found = rows_of(evaluation, attributes, by="age", edges=[18, 40])
    assert found == {label: (n, pytest.approx(mean)) for label, (n, mean) in expected.items()}
    assert list(found) == ["<18", "18-39", ">=40", "unknown"]


def test_quantiles_of_activity(evaluation: Evaluation, attributes: Attributes) -> None:
    counts = pd.Series(evaluation.activity["train_positives"])
    found = rows_of(evaluation, attributes, by="train_positives", quantiles=4)
    assert len(found) == 4
    for label, (users, mean) in found.items():
        low, _, high = label.partition("-")
        inside = counts.between(int(low), int(high or low)).to_numpy()
        assert users == inside.sum()
        assert mean == pytest.approx(evaluation.values("mrr@10")[inside].mean())
        assert abs(users - len(counts) / 4) <= max(Counter(counts).values())
    assert sum(users for users, _ in found.values()) == len(counts)


@pytest.mark.parametrize("fields", [{}, {"quantiles": 4}, {"edges": (1, 9)}, {"metric": "ndcg@5"}])
def test_classes_of_items_by_plain_loops(
    evaluation: Evaluation, stage: StageData, fields: dict[str, object]
) -> None:
    history, relevant = stage.history.toarray() > 0, stage.relevant.toarray() > 0
    popularity = history.sum(axis=0)
    buckets = Buckets.model_validate({"metric": "recall@10", "by": "item_popularity"} | fields)
    rows = by_bucket(evaluation, buckets)
    if "quantiles" in fields:
        spans = [[int(x) for x in row.label.split("-")] for row in rows]
        members = [{i for i, n in enumerate(popularity) if s[0] <= n <= s[-1]} for s in spans]
        assert max(map(len, members)) - min(map(len, members)) <= 6
    elif "edges" in fields:
        assert [row.label for row in rows] == [">=9", "1-8", "<1"]
        spans = [range(9, N_USERS + 1), range(1, 9), range(1)]
        members = [{i for i, n in enumerate(popularity) if n in span} for span in spans]
    else:
        members = [set(), set(), set()]
        for item, count in enumerate(popularity):
            before = popularity[popularity > count].sum() / popularity.sum()
            members[0 if before < 0.2 else 1 if before < 0.8 else 2].add(item)
        assert [row.label.split()[0] for row in rows] == ["head", "middle", "tail"]
    assert sum(map(len, members)) == N_ITEMS
    k = 5 if "metric" in fields else 10
    for row, inside in zip(rows, members, strict=True):
        values = []
        for user in range(N_USERS):
            wanted = set(np.flatnonzero(relevant[user]).tolist()) & inside
            order = sorted(np.flatnonzero(~history[user]), key=lambda i: (-popularity[i], i))[:k]
            if wanted and k == 10:
                values.append(len(wanted & set(order)) / len(wanted))
            elif wanted:
                gain = sum(1 / np.log2(j + 2) for j, item in enumerate(order) if item in wanted)
                values.append(gain / sum(1 / np.log2(j + 2) for j in range(min(k, len(wanted)))))
        assert row.per_user == pytest.approx(values)


def test_classes_are_saved_and_averaged(evaluation: Evaluation, tmp_path_factory: object) -> None:
    path = tmp_path_factory.mktemp("vectors") / "run.npz"  # type: ignore[attr-defined]
    evaluation.save(path)
    buckets = Buckets(metric="recall@10", by="item_popularity")
    again = [Evaluation.load(path), average([evaluation, evaluation])]
    (rows, *others) = bucket_rows([evaluation, *again], buckets)
    assert others == [rows, rows]
    assert np.isfinite(list(evaluation.means().values())).all()


def test_a_value_named_other_is_not_all_others() -> None:
    values = np.array(["other", "de", "fr", "other", ""])
    found = groups.by_value(values, ["other", "de"], "country")
    assert found.labels == ("other", "de", "all others", "unknown")
    assert found.codes.tolist() == [0, 1, 2, 0, 3]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(2, 8))
def test_quantiles_partition_and_keep_ties(values: list[int], n: int) -> None:
    array = np.array(values, float)
    found = groups.by_quantiles(array, n)
    assert 1 <= len(found.labels) <= n
    assert set(found.codes) == set(range(len(found.labels)))
    for value in set(values):
        assert len(set(found.codes[array == value])) == 1
    assert (np.diff(found.codes[np.argsort(array)]) >= 0).all()
    if len(set(values)) == len(values):
        sizes = np.bincount(found.codes)
        assert sizes.max() - sizes.min() <= 2 or len(values) < n


def test_what_cannot_be_grouped(evaluation: Evaluation) -> None:
    users = N_USERS
    table = Attributes(
        {"zip": np.array([f"z{u}" for u in range(users)]), "x": np.arange(users, dtype=float)}
    )
    for fields, words in (
        ({"by": "zip"}, r"distinct values, more than 30; choose with values = \['z"),
        ({"by": "x"}, r"or edges = \[\.\.\.\] or quantiles"),
        ({"by": "zip", "edges": [3]}, "edges need numbers"),
        ({"by": "zip", "values": ["y1"]}, "no user has the value 'y1'"),
        ({"by": "zipp"}, "no such attribute; the choices are .*did you mean 'zip'"),
        ({"by": "item_popularity"}, "no values of mrr@10 by item popularity"),
    ):
        with pytest.raises(EvaluationError, match=words):
            rows_of(evaluation, table, **fields)
    with pytest.raises(EvaluationError, match=r"users = \{ path, id \}"):
        by_bucket(evaluation, Buckets(metric="mrr@10", by="gender"))
    assert len(rows_of(evaluation, table, by="zip", values=["z1", "z2"])) == 3


def test_numbers_read_as_people_write_them() -> None:
    found = groups.by_edges(np.array([0.5, 2.5, np.nan]), [1, 2.5])
    assert found.labels == ("<1", "1 to <2.5", ">=2.5", "unknown")
    assert found.codes.tolist() == [0, 2, 3]
    assert groups.by_value(np.array([25.0, 1.0]), None, "age").labels == ("1", "25")
