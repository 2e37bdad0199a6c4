"""What the comments of the studies on Online Retail say of their data is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cfexp import load_study
from cfexp.search.prepared.prepare import Prepared, prepare

pytestmark = [pytest.mark.data, pytest.mark.slow]
STUDIES = Path(__file__).parent.parent / "studies"


@pytest.fixture(scope="module", params=["online-retail", "online-retail-novel"])
def prepared(request: pytest.FixtureRequest, data_dir: Path) -> Prepared:
    if not (data_dir / "online-retail" / "online_retail.parquet").exists():
        pytest.skip(f"real data sets: no online-retail in {data_dir}")
    return prepare(load_study(STUDIES / f"{request.param}.toml"))


def test_row_counts(prepared: Prepared) -> None:
    assert dict(prepared.rows.dropped) == {"user missing": 135_080}
    assert len(prepared.rows) == 541_909 - 135_080
    assert prepared.rows.shape == (4_372, 3_684)
    novel = prepared.split.settings["novel_only"]
    assert len(prepared.test.users) == (2_713 if novel else 2_873)


def test_novel_only_drops_what_the_customer_had(prepared: Prepared) -> None:
    for stage in prepared.stages.values():
        repeats = stage.relevant.multiply(stage.seen).nnz
        assert (repeats == 0) == prepared.split.settings["novel_only"]


def test_most_held_out_lines_go_on_with_an_order_of_the_history(prepared: Prepared) -> None:
    history, held_out = prepared.split.test.history, prepared.split.test.held_out
    assert history.time is not None
    assert held_out.time is not None
    newest = np.zeros(len(history.users), np.int64)
    np.maximum.at(newest, history.user, history.time)
    share = (held_out.time == newest[held_out.user]).mean()
    if prepared.split.settings["novel_only"]:
        assert share > 0.5
    else:
        assert share == pytest.approx(0.81, abs=0.005)
