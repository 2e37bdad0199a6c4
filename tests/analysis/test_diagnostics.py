import pytest

from cfexp.analysis import diagnostics


@pytest.mark.parametrize(
    ("value", "low", "high", "log", "advice"),
    [
        (0.101, 0.1, 40.0, True, "low end of its range, 0.1 to 40, log: lower low"),
        (39.5, 0.1, 40.0, True, "high end of its range, 0.1 to 40, log: raise high"),
        (8, 8, 128, False, "low end of its range, 8 to 128: lower low"),
        (127, 8, 128, False, "high end of its range, 8 to 128: raise high"),
    ],
)
def test_an_edge_names_range_value_and_way(
    value: float, low: float, high: float, advice: str, *, log: bool
) -> None:
    words = diagnostics.at_edge("alpha", value, low, high, log=log)
    assert words is not None
    assert words.startswith(f"alpha {value:.4g} lies on the {advice} ")


@pytest.mark.parametrize(
    ("value", "low", "high", "log"),
    [(0.5, 0.1, 40.0, True), (5.0, 0.1, 40.0, True), (64, 8, 128, False), (8, 8, 8, False)],
)
def test_no_edge(value: float, low: float, high: float, *, log: bool) -> None:
    assert diagnostics.at_edge("alpha", value, low, high, log=log) is None


def test_a_low_value_on_a_log_range_is_not_near_its_end() -> None:
    # 0.5 is 1% of the way from 0.1 to 40, and 27% of the way in logarithms.
    assert diagnostics.at_edge("alpha", 0.5, 0.1, 40, log=True) is None
    assert diagnostics.at_edge("alpha", 0.5, 0.1, 40) is not None


def test_fewer_trials_than_parameters() -> None:
    assert diagnostics.few_trials("als", 3, 3) is None
    assert diagnostics.few_trials("als", 2, 3) == (
        "als: 2 complete trials for 3 searched parameters; run more trials."
    )


def test_a_small_test_set_says_how_small() -> None:
    assert diagnostics.too_small(6_000, 0.02, 0.08, "item_knn") is None
    words = diagnostics.too_small(200, 0.12, 0.3, "item_knn")
    assert words is not None
    assert "with 200 users, differences from item_knn below 12.0% are often missed" in words
    words = diagnostics.too_small(6_000, 0.02, 0.01, "item_knn")
    assert words is not None
    assert words.startswith("With 6,000 users, differences from item_knn below 2.0%"), "not small"


def test_the_last_epoch() -> None:
    assert diagnostics.last_epoch("als #3", 14, 15) is None
    assert diagnostics.last_epoch("ease #3", 1, 1) is None
    assert diagnostics.last_epoch("als #3", 15, 15, 0.004) == (
        "als #3: its best epoch was the last of 15, which still gained 0.4%; raise epochs."
    )


def test_seeds_against_the_lead() -> None:
    assert diagnostics.seeds_outweigh(0.002, 0.001, "als #4") is None
    words = diagnostics.seeds_outweigh(0.001, 0.002, "als #4")
    assert words is not None
    assert "0.0010 from als #4, the runner-up" in words


def test_a_fall_that_the_reference_does_not_share() -> None:
    assert diagnostics.fell((0.10, 0.08), (0.09, 0.073), "als default") is None, "both fell"
    assert diagnostics.fell((0.10, 0.12), (0.09, 0.100), "als default") is None
    assert diagnostics.fell((0.10, 0.08), (0, 0.1), "random") is None
    words = diagnostics.fell((0.10, 0.08), (0.09, 0.09), "als default")
    assert words is not None
    assert "the winner changed by −20.0%, als default by +0.0%" in words  # noqa: RUF001
    assert diagnostics.fell((0.10, 0.08), (0.09, 0.09), "als default", error=0.21) is None


def test_test_read_again() -> None:
    assert diagnostics.read_again(1) is None
    words = diagnostics.read_again(3)
    assert words is not None
    assert "3 times" in words
