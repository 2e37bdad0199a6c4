import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.errors import InputError
from cfexp.metrics.metric import METRICS, UNCUT, Metric, MetricName, PerUserMetricName, is_metric


@pytest.mark.parametrize("name", [name for name in METRICS if name not in UNCUT])
@pytest.mark.parametrize("k", [1, 10, 1000])
def test_text_and_metric_are_two_forms_of_one_thing(name: str, k: int) -> None:
    metric = Metric.parse(f"{name}@{k}")
    assert (metric.name, metric.k) == (name, k)
    assert str(metric) == f"{name}@{k}"
    assert Metric.parse(metric) is metric
    assert hash(metric) == hash(Metric.parse(str(metric)))


def test_a_typo_names_the_choices_and_the_closest() -> None:
    with pytest.raises(InputError, match=r"recall, .*ndcg, .*did you mean 'ndcg'\?"):
        Metric.parse("NDGC@10")


@pytest.mark.parametrize(
    "text",
    ["ndcg@99999999999999999999", "ndcg@0", "ndcg@", "ndcg@-1", "ndcg@1.5", "ndcg@ten", "ndcg@²"],
)
def test_a_cutoff_is_a_whole_number_from_one(text: str) -> None:
    with pytest.raises(InputError, match="whole number from 1 to 999,999,999, such as 'ndcg@10'"):
        Metric.parse(text)


def test_a_cutoff_is_required() -> None:
    with pytest.raises(InputError, match="needs a cut-off"):
        Metric.parse("ndcg")


@pytest.mark.parametrize("name", UNCUT)
def test_some_take_no_cutoff(name: str) -> None:
    metric = Metric.parse(name)
    assert (metric.name, metric.k, str(metric)) == (name, None, name)
    for text in (f"{name}@10", f"{name}@"):
        with pytest.raises(InputError, match=f"'{text}': {name} takes no cut-off; write '{name}'"):
            Metric.parse(text)
    with pytest.raises(InputError, match=r"or one of .*auc.* alone; did you mean 'auc'\?"):
        Metric.parse("acu")


def test_what_a_record_holds_is_told_apart() -> None:
    assert is_metric("auc")
    assert is_metric("ndcg@10")
    assert not is_metric("users")
    assert not is_metric("loss")


def test_the_field_type_reports_the_same_mistake() -> None:
    names = TypeAdapter(MetricName)
    assert names.validate_python("recall@010") == "recall@10"
    with pytest.raises(ValidationError, match="did you mean 'precision'"):
        names.validate_python("precison@5")


def test_what_needs_users_refuses_a_catalogue_metric() -> None:
    with pytest.raises(ValidationError, match=r"'coverage@10' has no value for a single user"):
        TypeAdapter(PerUserMetricName).validate_python("coverage@10")


def test_what_is_better_when_lower() -> None:
    down = [name for name, kind in METRICS.items() if kind.direction == "minimize"]
    assert down == ["epr", "avg_popularity", "gini"]
