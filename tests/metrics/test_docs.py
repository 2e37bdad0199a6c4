"""The page that defines the metrics names them all, as study files write them."""

from pathlib import Path

import pytest

from cfexp.metrics.metric import METRICS, UNCUT

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_defined(name: str) -> None:
    written = name if name in UNCUT else f"{name}@k"
    own = PAGE.partition("| here |")[0].splitlines()
    rows = [line for line in own if line.startswith(f"| `{written}` |")]
    assert len(rows) == 1
    columns = rows[0].replace(r"\|", "").strip("|").split("|")
    assert all(column.strip() for column in columns)


def test_the_comparison_names_no_metric_that_is_not() -> None:
    table = PAGE.partition("| here |")[2].splitlines()[2:]
    compared = [line.split("`")[1] for line in table if line.startswith("| `")]
    assert set(compared) <= set(METRICS)
    assert set(METRICS) - set(compared) == {"recall_capped", "epr"}
