"""`describe` against plain pandas, and suggestions that load and run."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

from cfexp.analysis.describe import describe
from cfexp.analysis.suggest import study_toml, suggest
from cfexp.data.interactions import Interactions
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import parse

DAY = 86_400


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 4_000
    return pd.DataFrame(
        {
            "user": (200 * rng.random(n) ** 2).astype(int),
            "item": (150 * rng.random(n) ** 3).astype(int),
            "value": rng.integers(1, 6, n).astype(float),
            "time": 1_700_000_000 + rng.integers(0, 50, n) * DAY,
        }
    )


def rows_of(frame: pd.DataFrame) -> Interactions:
    roles = {name: name for name in ("user", "item", "value", "time") if name in frame}
    return Interactions.from_frame(frame, **roles)


def gini(counts: pd.Series) -> float:
    """Half the mean absolute difference of all pairs, by the mean: the definition."""
    x = counts.to_numpy(float)
    return float(np.abs(x[:, None] - x).mean() / (2 * x.mean()))


def test_numbers_are_those_of_pandas(frame: pd.DataFrame) -> None:
    found = describe(rows_of(frame))
    pairs = frame.drop_duplicates(["user", "item"])
    users, items = frame["user"].value_counts(), frame["item"].value_counts()
    assert (found.rows, found.users, found.items) == (len(frame), len(users), len(items))
    assert found.pairs == len(pairs)
    assert found.density == pytest.approx(len(pairs) / len(users) / len(items))
    assert found.repeat_rate == pytest.approx(frame.duplicated(["user", "item"]).mean())
    for spread, counts in ((found.activity, users), (found.popularity, items)):
        assert spread.gini == pytest.approx(gini(counts))
        assert [*spread.quantiles.values()] == counts.quantile(
            [*map(float, spread.quantiles)]
        ).tolist()
        top = counts.nlargest(int(np.ceil(len(counts) / 100)))
        assert spread.top_percent == pytest.approx(top.sum() / len(frame))
        for least, share in spread.at_least:
            assert share == pytest.approx((counts >= least).mean())
    values = found.values  # noqa: PD011 - no frame
    for least, share in values.at_least:
        assert share == pytest.approx((frame["value"] >= least).mean())
    assert dict(values.shares) == pytest.approx(
        frame["value"].value_counts(normalize=True).to_dict()
    )


def test_times_and_what_a_cut_makes_cold(frame: pd.DataFrame) -> None:
    times = describe(rows_of(frame)).times
    assert times is not None
    assert times.days == 49
    assert times.distinct == frame["time"].nunique()
    together = frame.duplicated(["user", "time"], keep=False).mean()
    assert times.together == pytest.approx(together)
    assert sum(n for _, n in times.rows_in) == len(frame)
    for cut in times.cuts:
        moment = pd.Timestamp(cut.begins).timestamp()
        old, new = frame[frame["time"] < moment], frame[frame["time"] >= moment]
        assert cut.held_out == pytest.approx(len(new) / len(frame))
        strange = ~new["item"].isin(old["item"])
        assert cut.rows == pytest.approx(strange.mean())
        assert cut.items == pytest.approx(new["item"][strange].nunique() / new["item"].nunique())
        users = set(new["user"])
        assert cut.users == pytest.approx(len(users - set(old["user"])) / len(users))


def test_values_of_zero_are_on_a_plain_axis(frame: pd.DataFrame) -> None:
    found = describe(rows_of(frame.assign(value=np.arange(len(frame)) * 1.0)))
    values = found.values  # noqa: PD011 - no frame
    first, second, *_, last = values.at_least
    assert (first, last) == ((0, 1), (len(frame) - 1, 1 / len(frame)))
    assert second[0] == pytest.approx(len(frame) / 199, abs=1)
    assert values.shares == ()


@pytest.mark.parametrize("shape", ["ratings", "counts", "no times", "one each", "short"])
def test_what_is_suggested_loads_and_runs(shape: str, frame: pd.DataFrame) -> None:
    changed = {
        "ratings": frame.drop_duplicates(["user", "item"]),
        "counts": frame.assign(value=np.arange(len(frame)) % 190 + 1.0),
        "no times": frame.drop(columns="time"),
        "one each": frame.assign(value=1.0),
        "short": frame.groupby("user").head(4),
    }
    rows = rows_of(changed[shape])
    found = suggest(rows, describe(rows))
    text = study_toml("suggested", {"kind": "frame", "columns": {"user": "u", "item": "i"}}, found)
    spec = parse(tomllib.loads(text))
    assert {stage.name for stage in prepare(spec, rows).stages.values()} == {"validation", "test"}
    assert ("positive_from" in found.feedback) == (shape not in {"counts", "one each"})
    assert spec.models[0].model.confidence == ("log" if shape == "counts" else "linear")
    assert found.split["kind"] == ("random_per_user" if shape == "no times" else "per_user_last")
    assert (found.mask == "none") == (describe(rows).repeat_rate >= 0.1)


def test_sittings_and_cold_items_are_warned_of(frame: pd.DataFrame) -> None:
    late = frame.assign(item=frame["item"] + 1000 * (frame["time"] > 1_700_000_000 + 40 * DAY))
    at_once = late.assign(time=late["time"] // (40 * DAY) * (40 * DAY))
    words = " ".join(suggest(rows_of(at_once), describe(rows_of(at_once))).warnings)
    assert "in one sitting" in words
    words = " ".join(suggest(rows_of(late), describe(rows_of(late))).warnings)
    assert "no model here could know" in words
    brief = rows_of(frame.drop_duplicates("user"))
    assert suggest(brief, describe(brief)).warnings[0].startswith("No user has 3 rows")
    once = rows_of(frame.assign(time=0))
    reasons = " ".join(suggest(once, describe(once)).reasons)
    assert "random_per_user: all times are one; test" in reasons
    assert (
        "There are no times"
        in suggest(
            rows_of(frame.drop(columns="time")), describe(rows_of(frame.drop(columns="time")))
        ).warnings[0]
    )
