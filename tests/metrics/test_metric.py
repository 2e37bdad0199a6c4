import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.errors import InputError
from cfexp.metrics.metric import METRICS, Metric, MetricName, PerUserMetricName


@pytest.mark.parametrize("name", METRICS)
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


@pytest.mark.parametrize("text", ["ndcg@0", "ndcg@", "ndcg@-1", "ndcg@1.5", "ndcg@ten", "ndcg@²"])
def test_a_cutoff_is_a_whole_number_from_one(text: str) -> None:
    with pytest.raises(InputError, match="whole number from 1, such as 'ndcg@10'"):
        Metric.parse(text)


def test_a_cutoff_is_required() -> None:
    with pytest.raises(InputError, match="needs a cut-off"):
        Metric.parse("ndcg")


def test_the_field_type_reports_the_same_mistake() -> None:
    names = TypeAdapter(MetricName)
    assert names.validate_python("recall@010") == "recall@10"
    with pytest.raises(ValidationError, match="did you mean 'precision'"):
        names.validate_python("precison@5")


def test_what_needs_users_refuses_a_catalogue_metric() -> None:
    with pytest.raises(ValidationError, match=r"'coverage@10' has no value for a single user"):
        TypeAdapter(PerUserMetricName).validate_python("coverage@10")


def test_only_popularity_is_better_when_lower() -> None:
    down = [name for name in METRICS if Metric.parse(f"{name}@1").direction == "minimize"]
    assert down == ["avg_popularity"]
