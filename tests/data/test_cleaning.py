"""Cleaning rules, one by one and in a row, against counts that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.data.cleaning.duplicates import Duplicates
from cfexp.data.cleaning.rules import AnyRule, clean
from cfexp.data.cleaning.step import report
from cfexp.data.interactions import Interactions
from cfexp.errors import DataError
from cfexp.search.prepared.prepare import Prepared, prepare
from cfexp.search.spec.study_file import load_study

SIX = {
    "user": ["a", "a", "a", "b", "b", "c"],
    "item": ["x", "x", "y", "x", "y", "z"],
    "value": [1.0, 4.0, 0.0, -2.0, 9.0, 3.0],
    "time": [30, 10, 20, 40, 50, 60],
}


def six() -> Interactions:
    return Interactions.from_frame(SIX, value="value", time="time", signed=True)


def cleaned(rows: Interactions, *rules: dict[str, Any]) -> Interactions:
    adapter = TypeAdapter(AnyRule)
    return clean(rows, [adapter.validate_python(rule) for rule in rules])


@pytest.mark.parametrize(
    ("rule", "left", "users", "words"),
    [
        ({"above": 0}, [0, 1, 4, 5], 3, "value not above 0"),
        ({"at_least": 0, "at_most": 4}, [0, 1, 2, 5], 2, "value not at least 0 and at most 4"),
    ],
)
def test_rows_outside_of_values_are_dropped(
    rule: dict[str, float], left: list[int], users: int, words: str
) -> None:
    rows = cleaned(six(), {"kind": "values"} | rule)
    assert rows.row.tolist() == left
    assert report(rows)[-1] == {
        "rule": words,
        "dropped": 2,
        "rows": 4,
        "users": users,
        "items": 3,
    }


def test_values_are_transformed() -> None:
    rows = cleaned(six(), {"kind": "clip", "low": 0, "high": 4}, {"kind": "log", "scale": 2})
    np.testing.assert_allclose(rows.value, np.log1p([0.5, 2, 0, 0, 2, 1.5]), rtol=1e-6)
    found = report(rows)
    assert [step["rule"] for step in found[1:]] == [
        "values clipped to low 0, high 4 (2 changed)",
        "values v are log(1 + v / 2)",
    ]
    assert [step["dropped"] for step in found] == [0, 0, 0]


@pytest.mark.parametrize(
    ("rule", "left", "words"),
    [
        ({"most": 2}, [3, 4, 5], "users with more than 2 rows"),
        ({"quantile": 0.5}, [3, 4, 5], "users with more than 2 rows, the 0.5 quantile"),
        ({"most": 1, "by": "items"}, [5], "users with more than 1 different items"),
        ({"most": 2, "by": "rows_per_day"}, [3, 4, 5], "users with more than 2 rows on one day"),
    ],
)
def test_users_with_too_much_are_dropped(rule: dict[str, Any], left: list[int], words: str) -> None:
    rows = cleaned(six(), {"kind": "bots"} | rule, {"kind": "clip", "low": 0})
    assert rows.row.tolist() == left
    assert report(rows)[1]["rule"] == words


def test_days_are_counted_apart() -> None:
    day = 86_400
    frame = {"user": [1] * 4, "item": [1, 2, 3, 4], "time": [0, 1, 2 * day, 3 * day]}
    rows = Interactions.from_frame(frame, time="time")
    kept = cleaned(rows, {"kind": "bots", "most": 2, "by": "rows_per_day"})
    assert len(kept) == 4
    with pytest.raises(DataError, match=r"no rows are left of 4"):
        cleaned(rows, {"kind": "bots", "most": 1, "by": "rows_per_day"})


def test_days_of_many_users_over_a_long_span_do_not_overflow() -> None:
    users, days = 200_000, 20_000  # their product is beyond 32 bits
    frame = {"user": [*range(users), *[users - 1] * 5], "item": [1] * (users + 5)}
    frame["time"] = [0] * users + [days * 86_400] * 5
    kept = cleaned(
        Interactions.from_frame(frame, time="time", time_format="unix"),
        {"kind": "bots", "most": 4, "by": "rows_per_day"},
    )
    assert kept.user.max() == users - 2
    assert len(kept) == users - 1


@pytest.mark.parametrize(
    ("keep", "rows_kept", "values"),
    [("last", [0, 2, 3, 4, 5], [1, 0, 2, 9, 3]), ("first", [1, 2, 3, 4, 5], [4, 0, 2, 9, 3])],
)
def test_one_row_of_a_pair_is_kept(keep: str, rows_kept: list[int], values: list[float]) -> None:
    frame = {**SIX, "value": [1.0, 4.0, 0.0, 2.0, 9.0, 3.0]}
    for order in (np.arange(6), np.array([5, 3, 1, 0, 2, 4])):
        shuffled = {name: np.asarray(column)[order] for name, column in frame.items()}
        rows = cleaned(
            Interactions.from_frame(shuffled, value="value", time="time"),
            {"kind": "duplicates", "keep": keep},
        )
        assert sorted(order[rows.row].tolist()) == rows_kept
        by_pair = dict(zip(zip(rows.user, rows.item, strict=True), rows.value, strict=True))
        assert [by_pair[pair] for pair in sorted(by_pair)] == values


def test_values_of_a_pair_are_summed_and_net() -> None:
    frame = {**SIX, "value": [2.0, -5.0, 0.0, -2.0, 9.0, 3.0]}
    rows = Interactions.from_frame(frame, value="value", time="time", signed=True)
    net = cleaned(rows, {"kind": "duplicates", "keep": "sum"}, {"kind": "values", "above": 0})
    assert net.row.tolist() == [4, 5]
    assert [step["dropped"] for step in report(net)] == [0, 1, 3]
    total = cleaned(
        Interactions.from_frame(SIX | {"value": [1.0] * 6}, value="value"),
        {"kind": "duplicates", "keep": "sum"},
    )
    assert total.value.tolist() == [2, 1, 1, 1, 1]
    assert total.time is None


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([0.3, -0.1, -0.2], 0),
        ([19.99, 19.99, -39.98], 0),
        ([0.1, 0.2, -0.3], 0),
        ([1234.56, -1234.55], 0.01),
        ([-0.3, 0.1], -0.2),
        ([1e-9, 2e-9], 3e-9),
        ([10_000_000, -9_999_999], 1),
    ],
)
def test_fractions_net_to_nothing_and_whole_numbers_to_the_unit(
    values: list[float], total: float
) -> None:
    frame = {"user": [1] * len(values), "item": [1] * len(values), "value": values}
    rows = Interactions.from_frame(frame, value="value", signed=True)
    (found,) = Duplicates(keep="sum").apply(rows)[0].value
    assert found == pytest.approx(total, rel=0.03)
    assert (found == 0) == (total == 0)


def test_events_are_equal_in_time_too() -> None:
    frame = {"user": [1] * 4, "item": [5] * 4, "time": [7, 7, 8, 9]}
    rows = Interactions.from_frame(frame, time="time")
    assert len(cleaned(rows, {"kind": "duplicates", "of": "event"})) == 3
    with pytest.raises(DataError, match=r"clean\[0\], duplicates: these rows have no time column"):
        cleaned(
            Interactions.from_frame({"user": [1], "item": [1]}),
            {"kind": "duplicates", "of": "event"},
        )


def test_what_is_left_must_not_be_negative() -> None:
    with pytest.raises(DataError, match=r"1 of 6 are, the first is -2 of user 'b' and item 'x'"):
        cleaned(six())
    with pytest.raises(DataError, match=r"clean\[0\], log: .* 1 of 6 are negative"):
        cleaned(six(), {"kind": "log"}, {"kind": "values", "above": 0})
    with pytest.raises(DataError, match=r"not negative; \[\[clean\]\] kind = 'values', above = 0"):
        Interactions.from_frame(SIX, value="value")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "values"}, "give one or more of above, at_least, at_most"),
        ({"kind": "clip", "low": 3, "high": 1}, "low = 3 lies above high = 1"),
        ({"kind": "clip"}, "give low, high or both"),
        ({"kind": "bots"}, "either quantile, such as 0.999, or most"),
        ({"kind": "bots", "most": 3, "quantile": 0.9}, "either quantile"),
        ({"kind": "log", "scale": 0}, "greater than 0"),
        ({"kind": "robots"}, "'values', 'bots', 'duplicates', 'clip', 'log', 'item_level'"),
    ],
)
def test_rules_that_say_nothing_are_refused(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(AnyRule).validate_python(rule)


# A generated log of listens with the faults of the published one, the true counts known.

STUDY = """
name = "listens"
objectives = ["recall_micro@10"]
[data]
kind = "csv"
path = "listens-*.tsv.gz"
separator = "\\t"
quote = ""
header = false
columns = {{ user = 1, time = 2, item = 3, value = 5 }}
items = {{ path = "tracks.csv", id = "track", title = "name", columns = {{ artist = "artist" }} }}
time_format = "iso"
missing_values = "drop"
{clean}
[split]
kind = "by_time"
test = 30.0
until = "2009-06-20"
validation = 0
novel_only = true
cold_items = "drop"
{core}
[[baselines]]
model = {{ kind = "popularity" }}
"""
CLEAN = """
[[clean]]
kind = "values"
above = 0
[[clean]]
kind = "bots"
most = 2000
[[clean]]
kind = "item_level"
attribute = "artist"
"""
USERS, TRACKS, ARTISTS = 40, 6_000, 1_500


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A folder with a faulty log in three files, and its rows with what is wrong with each."""
    folder = tmp_path_factory.mktemp("log")
    rng = np.random.default_rng(3)
    n = 30_000
    frame = pd.DataFrame(
        {
            "user": [f"user_{one:06d}" for one in rng.integers(USERS, size=n)],
            "time": pd.to_datetime("2009-01-01") + pd.to_timedelta(rng.random(n) * 169.5, "D"),
            "track": [f"t{one}" for one in rng.integers(TRACKS, size=n)],
            "plays": rng.integers(1, 9, size=n).astype(float),
            "fault": "",
        }
    )
    frame.loc[:2_499, "user"] = "bot"
    where = rng.permutation(np.arange(2_500, n))
    for fault, count in {"track": 700, "plays": 500, "zero": 300, "late": 200, "less": 100}.items():
        where, chosen = where[count:], where[:count]
        frame.loc[chosen, "fault"] = fault
    frame.loc[frame.fault == "track", "track"] = ""
    frame.loc[frame.fault == "plays", "plays"] = np.nan
    frame.loc[frame.fault == "zero", "plays"] = 0
    frame.loc[frame.fault == "less", "plays"] = -1
    frame.loc[frame.fault == "late", "time"] = pd.Timestamp("2010-02-01 10:00:00")
    stamp = frame.time.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = frame.assign(time=stamp, name="")[["user", "time", "track", "name", "plays"]]
    for part in range(3):
        rows = lines.iloc[part * n // 3 : (part + 1) * n // 3]
        rows.to_csv(folder / f"listens-{part}.tsv.gz", sep="\t", header=False, index=False)
    artist = [f"artist {one % ARTISTS}" if one >= 200 else "" for one in range(TRACKS)]
    tracks = pd.DataFrame(
        {"track": [f"t{one}" for one in range(TRACKS)], "artist": artist, "name": artist}
    )
    tracks.to_csv(folder / "tracks.csv", index=False)
    return folder, frame.merge(tracks[["track", "artist"]], how="left", on="track")


def prepared(folder: Path, clean: str = CLEAN, core: str = "") -> Prepared:
    (folder / "listens.toml").write_text(STUDY.format(clean=clean, core=core))
    return prepare(load_study(folder / "listens.toml"))


def test_counts_of_a_generated_log_are_found_again(log: tuple[Path, pd.DataFrame]) -> None:
    folder, frame = log
    found = prepared(folder, core="min_user = 3")
    left = frame[(frame.fault == "") & (frame.user != "bot")]
    unlabelled = int((left.artist == "").sum())
    steps = report(found.rows)
    assert [(step["rule"], step["dropped"]) for step in steps] == [
        ("rows read", 0),
        ("item missing", 700),
        ("value missing", 500),
        ("outside until 2009-06-20T00:00:00", 200),
        ("value not above 0", 400),
        ("users with more than 2,000 rows", 2_500),
        ("items without artist; items are now artist", unlabelled),
        ("below min_user = 3, min_item = 1", 0),
    ]
    assert [step["rows"] for step in steps][:3] == [30_000, 29_300, 28_800]
    last = left[left.artist != ""]
    assert steps[-1] == {
        "rule": "below min_user = 3, min_item = 1",
        "dropped": 0,
        "rows": len(last),
        "users": last.user.nunique(),
        "items": last.artist.nunique(),
    }
    assert found.rows.items.ids.tolist() == sorted(last.artist.unique())
    # the published protocol: the last 30 days by one cutoff, new pairs, items known from train
    cutoff = last.time.dt.floor("s").max() - pd.Timedelta(30, "D")
    train = last[last.time.dt.floor("s") < cutoff]
    test = last[last.time.dt.floor("s") >= cutoff]
    known = set(zip(train.user, train.artist, strict=True))
    new = [pair not in known for pair in zip(test.user, test.artist, strict=True)]
    assert found.split.rows["train"] == len(train)
    assert found.split.rows["test"] == int((np.array(new) & test.artist.isin(train.artist)).sum())
    matrix = found.test.training.positives
    assert matrix.shape == (USERS, last.artist.nunique())  # the bot is gone
    assert matrix.nnz == train.groupby(["user", "artist"]).ngroups


def test_the_order_of_rules_is_that_of_the_file(log: tuple[Path, pd.DataFrame]) -> None:
    folder, frame = log
    level, values = CLEAN.index('[[clean]]\nkind = "item_level"'), CLEAN.index("[[clean]]")
    steps = report(prepared(folder, CLEAN[level:] + CLEAN[values:level]).rows)
    assert [step["rule"].partition(" ")[0] for step in steps[4:]] == ["items", "value", "users"]
    assert steps[4]["dropped"] == int(
        ((frame.artist == "") & ~frame.fault.isin(["plays", "late"])).sum()
    )


def test_attributes_that_items_do_not_have(log: tuple[Path, pd.DataFrame]) -> None:
    with pytest.raises(DataError, match=r"no attribute 'Artist'; .* are artist; did you mean"):
        prepared(log[0], CLEAN.replace('attribute = "artist"', 'attribute = "Artist"'))


def test_titles_come_from_the_file_of_items(log: tuple[Path, pd.DataFrame]) -> None:
    rows = prepared(log[0], '[[clean]]\nkind = "values"\nabove = 0').rows
    assert rows.titles is not None
    titles = dict(zip(rows.items.ids, rows.titles, strict=True))
    assert (titles["t1"], titles["t1560"]) == ("", "artist 60")


def test_what_cleaning_drops_is_gone_from_all_that_is_known(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [1, 1, 2, 2, 3, 9], "item": [10, 30, 10, 30, 10, 20]})
    frame["time"] = range(6)
    frame["title"] = [f"item {one}" for one in frame.item]
    frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "users.csv").write_text("user,age\n1,20\n2,30\n3,40\n")
    (tmp_path / "items.csv").write_text("item,x,g\n10,1,a\n30,3,a\n")
    text = """
    name = "x"
    [data]
    kind = "csv"
    path = "rows.csv"
    columns = { user = "user", item = "item", title = "title", time = "time" }
    users = { path = "users.csv", id = "user" }
    items = { path = "items.csv", id = "item" }
    [split]
    kind = "leave_one_out"
    validation = 0
    [[baselines]]
    model = { kind = "popularity" }
    """
    (tmp_path / "x.toml").write_text(text)
    whole = prepare(load_study(tmp_path / "x.toml"))
    facts = whole.data_facts()
    assert (facts["users without attributes"], facts["items without features"]) == (1, 1)
    (tmp_path / "x.toml").write_text(text.replace("validation = 0", "min_item = 2\nvalidation = 0"))
    found = prepare(load_study(tmp_path / "x.toml"))
    rows, facts = found.rows, found.data_facts()
    assert found.test.relevant.shape == rows.shape == (3, 2)
    assert rows.users.ids[rows.user].tolist() == [1, 1, 2, 2, 3]
    assert rows.items.ids[rows.item].tolist() == [10, 30, 10, 30, 10]
    assert rows.titles is not None
    assert rows.titles.tolist() == ["item 10", "item 30"]
    assert rows.attributes is not None
    assert rows.attributes.columns["age"].tolist() == [20, 30, 40]
    assert rows.item_attributes is not None
    assert rows.item_attributes.columns["g"].tolist() == ["a", "a"]
    assert rows.item_features is not None
    assert rows.item_features.values[:, 0].tolist() == [1, 3]  # noqa: PD011 - no data frame's
    assert (facts["users without attributes"], facts["items without features"]) == (0, 0)
    assert "feature rows of no item here" not in facts
