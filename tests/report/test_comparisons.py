from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.report.write import write
from cfexp.search.record import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.search.record import StudyRecord


def test_comparisons_and_warnings_are_files(
    make_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    twice = (Reading(1, 30, (17, 4), 3, 17), Reading(2, 60, (17, 4), 3, 17))
    write(make_study(readings=twice), None, tmp_path)
    frame = pd.read_csv(tmp_path / "comparisons.csv").set_index("against")
    assert set(frame.index) == {"als #4", "als default", "item_knn", "popularity"}
    assert (frame["p_corrected"] >= frame["p"]).all()
    assert (frame["low"] < frame["difference"]).all()
    assert frame.loc["als default", "outcome"] == "better"
    text = (tmp_path / "verdict.md").read_text()
    assert "- Against popularity: better, +0.0" in text
    warned = json.loads((tmp_path / "leaderboard.json").read_text())["warnings"]
    assert warned[-1].startswith("The test set was read 2 times: ")
    assert all(f"- {one}\n" in text for one in warned)
