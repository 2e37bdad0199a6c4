import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import bucket_rows, by_bucket
from cfexp.errors import EvaluationError
from cfexp.metrics.evaluation import Evaluation


def evaluation(activity: list[int], values: list[float]) -> Evaluation:
    counts = np.array(activity, np.int64)
    return Evaluation(
        stage="test",
        users=np.arange(len(activity), dtype=np.int32),
        numerators={"recall@10": np.array(values)},
        denominators={"recall@10": np.ones(len(values))},
        activity={"train_positives": counts, "train_interactions": counts + 5},
    )


def test_labels_say_who_is_inside() -> None:
    def labels(**fields: object) -> list[str]:
        buckets = Buckets.model_validate({"metric": "recall@10", **fields})
        return [row.label for row in by_bucket(evaluation([1, 5, 5, 60], [0.0] * 4), buckets)]

    assert labels(edges=(10, 50)) == labels() == ["<10", "10-49", ">=50"]
    assert labels(edges=(1, 2, 20)) == ["<1", "1", "2-19", ">=20"]
    assert labels(quantiles=2) == ["1", "5-60"]
    assert Buckets(metric="recall@10").title == "recall@10 by train positives"


def test_edges_belong_to_the_upper_group() -> None:
    found = by_bucket(
        evaluation([9, 10, 49, 50], [1.0, 0.5, 0.25, 0.0]),
        Buckets(metric="recall@10", edges=(10, 50)),
    )
    assert [(group.label, len(group.per_user), group.mean) for group in found] == [
        ("<10", 1, 1.0),
        ("10-49", 2, 0.375),
        (">=50", 1, 0.0),
    ]


def test_either_count_can_be_grouped_by() -> None:
    buckets = Buckets(metric="recall@10", by="train_interactions", edges=(10,))
    found = by_bucket(evaluation([4, 5], [1.0, 0.0]), buckets)
    assert [len(group.per_user) for group in found] == [1, 1]


def test_intervals_are_the_bootstraps() -> None:
    values = np.random.default_rng(0).random((2, 40)) ** 3
    group, buckets = [1] * 30 + [60] * 10, Buckets(metric="recall@10", edges=(10,))
    evaluations = [evaluation(group, one.tolist()) for one in values]
    for one, (first, second) in zip(values, bucket_rows(evaluations, buckets), strict=True):
        for row, inside in ((first, one[:30]), (second, one[30:])):
            expected = stats.bootstrap((inside,), np.mean, rng=1).confidence_interval
            assert row.mean == pytest.approx(inside.mean())
            assert (row.low, row.high) == pytest.approx(tuple(expected), rel=0.06)


def test_intervals_stay_within_what_is_possible() -> None:
    rare = [1.0] + [0.0] * 39
    buckets = Buckets(metric="recall@10", edges=(10,))
    ((few, _), (most, _)) = bucket_rows(
        [evaluation([1] * 40, rare), evaluation([1] * 40, [1 - x for x in rare])], buckets
    )
    assert few.low is not None
    assert most.high is not None
    assert 0 <= few.low < 0.025 < few.high < 0.2  # type: ignore[operator]
    assert 0.8 < most.low < 0.975 < most.high <= 1  # type: ignore[operator]


def test_empty_and_single_groups_have_no_interval() -> None:
    buckets = Buckets(metric="recall@10", edges=(10,))
    ((empty, single),) = bucket_rows([evaluation([20], [0.5])], buckets)
    assert (empty.users, empty.mean, empty.low) == (0, None, None)
    assert (single.users, single.mean, single.low) == (1, 0.5, None)


@given(
    st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1)), min_size=1, max_size=40),
    st.sets(st.integers(1, 90), min_size=1, max_size=5),
)
def test_groups_partition_the_users(users: list[tuple[int, float]], edges: set[int]) -> None:
    activity, values = zip(*users, strict=True)
    buckets = Buckets(metric="recall@10", edges=tuple(sorted(edges)))
    found = by_bucket(evaluation(list(activity), list(values)), buckets)
    assert sum(len(group.per_user) for group in found) == len(users)
    total = sum(group.per_user.sum() for group in found)
    assert total / len(users) == pytest.approx(np.mean(values), abs=1e-12)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metric": "recall@10", "edges": (50, 10)}, r"edges must increase, not \[50, 10\]"),
        ({"metric": "recall@10", "edges": (0, 10)}, r"whole numbers from 1, not \[0, 10\]"),
        ({"metric": "recall@10", "edges": ()}, "at least 1 item"),
        ({"metric": "recall@10", "edges": (10,), "quantiles": 4}, "one way of grouping"),
        ({"metric": "recall@10", "shares": (0.2,)}, "takes edges or quantiles, not shares"),
        ({"metric": "recall@10", "values": ("a",)}, "takes edges or quantiles, not values"),
        ({"metric": "recall@10", "by": "item_popularity", "values": (9,)}, "shares, not values"),
        ({"metric": "recall@10", "by": "item_popularity", "edges": (0,)}, "whole numbers from 1"),
        ({"metric": "recall@10", "by": "item_popularity", "shares": (0.8, 0.2)}, "increase"),
        ({"metric": "avg_popularity@10", "by": "item_popularity"}, "does not count relevant"),
        ({"metric": "recall@10", "by": "gender", "shares": (0.2,)}, "or values, not shares"),
        ({"metric": "coverage@10"}, "no value for a single user"),
        ({"metric": "recal@10"}, "did you mean 'recall'"),
    ],
)
def test_mistakes_are_named(fields: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Buckets.model_validate(fields)


def test_a_metric_that_was_not_computed() -> None:
    with pytest.raises(EvaluationError, match="no per-user values of 'ndcg@10'"):
        by_bucket(evaluation([1], [0.5]), Buckets(metric="ndcg@10"))
