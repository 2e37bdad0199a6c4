"""Last.fm's listens and play counts, as three sets were published."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from layouts import SOURCE, attribute, lay, load, pairs, titled
from pydantic import ValidationError

from cfexp.errors import DataError

LISTENS = "userid-timestamp-artid-artname-traid-traname.tsv"
PLAYS = "usersha1-artmbid-artname-plays.tsv"


LASTFM_1K = {
    LISTENS: (
        'user_000001\t2009-05-04T23:08:57Z\tid-1\tDeep Dish\t\tFuck "Me" I\'m Famous\n'
        'user_000001\t2009-05-04T13:54:10Z\tid-2\t"Quoted\tt-2\tComposition 0919\n'
        "user_000002\t2009-05-04T13:52:04Z\tid-1\tDeep Dish\tt-3\tOne\ttab\ttoo many\n"
        "user_000002\t2009-05-04T13:42:52Z\t\tNo id\tt-4\tHibari\n"
        "user_000002\t2010-03-07T12:00:00Z\tid-9\tLater\tt-9\tThe clock was wrong\n"
        "user_000002\t2009-12-31T23:59:59Z\tid-2\t坂本龍一\tt-2\tKept\n"
    ),
    "userid-profile.tsv": (
        "#id\tgender\tage\tcountry\tregistered\n"
        "user_000001\tm\t\tJapan\tAug 13, 2006\n"
        "user_000002\tf\t24\tPeru\tFeb 24, 2006\n"
        "user_000003\tm\t22\tUnited States\tOct 30, 2005\n"
    ),
}


def test_lastfm_1k(tmp_path: Path) -> None:
    lay(tmp_path / "lastfm-dataset-1K", LASTFM_1K)
    rows = load(tmp_path, "lastfm", edition="lastfm-1k")
    one, two = "user_000001", "user_000002"
    assert pairs(rows) == [
        (one, "id-1", 1.0),
        (one, "id-2", 1.0),
        (two, "id-1", 1.0),
        (two, "id-2", 1.0),
    ]
    assert rows.dropped == {"listens dated 2010 or later": 1, "item missing": 1}
    assert titled(rows) == {"id-1": "Deep Dish", "id-2": '"Quoted'}
    assert rows.time is not None
    utc = dt.datetime(2009, 5, 4, 23, 8, 57, tzinfo=dt.UTC)
    assert rows.time[0] == utc.timestamp() * 1e6
    assert attribute(rows, "country") == ["Japan", "Peru"]
    assert np.isnan(attribute(rows, "age")[0])


@pytest.mark.parametrize(
    ("item", "ids", "title"),
    [
        ("artist_name", ['"Quoted', "Deep Dish", "No id", "坂本龍一"], None),
        ("track_id", ["t-2", "t-3", "t-4"], "One\ttab\ttoo many"),
    ],
)
def test_lastfm_1k_by_other_items(
    tmp_path: Path, item: str, ids: list[str], title: str | None
) -> None:
    lay(tmp_path / "lastfm-1k", LASTFM_1K)
    rows = load(tmp_path, "lastfm", edition="lastfm-1k", item=item)
    assert rows.items.ids.tolist() == ids
    assert rows.titles is None if title is None else titled(rows)["t-3"] == title


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("user_000001\t2009-05-04\tid-1\n", "every row must have 6 columns.*\n  line 7: user_0"),
        (
            "user_000001\tsoon\ta\tb\tc\td\n",
            "times must be readable.*\n  line 7: user_000001\tsoon",
        ),
        (
            "user_000001\tsoon\ta\tb\tc\td\tand a tab\n",
            "times must be readable.*\n  line 7: user_000001\tsoon",
        ),
    ],
)
def test_lastfm_1k_damaged(tmp_path: Path, line: str, problem: str) -> None:
    lay(tmp_path / "lastfm-1k", {LISTENS: LASTFM_1K[LISTENS] + line})
    with pytest.raises(DataError, match=problem):
        load(tmp_path, "lastfm", edition="lastfm-1k")


def test_stray_tabs_keep_their_place(tmp_path: Path) -> None:
    plain = "user_1\t2009-05-04T23:08:57Z\tid-{0}\tA {0}\tt\tTrack\n"
    torn = "user_1\t2009-05-04T23:08:57Z\tid-{0}\tA {0}\tt\tTr\tack\n"
    numbers = range(40_000)
    lines = [(torn if n in {5, 9_000, 39_999} else plain).format(n) for n in numbers]
    lay(tmp_path / "lastfm-1k", {LISTENS: "".join(lines)})
    rows = load(tmp_path, "lastfm", edition="lastfm-1k")
    assert rows.items.ids[rows.item].tolist() == [f"id-{n}" for n in numbers]


ANN, BOB = (f"{number:040x}" for number in (0xC289A, 0xC99AE11))


def test_lastfm_360k(tmp_path: Path) -> None:
    lay(
        tmp_path / "lastfm-dataset-360K",
        {
            PLAYS: (
                f'{ANN}\t3bd7-3256\tbetty "blowtorch\t2137\n{ANN}\t\tdie Ärzte\t1099\n'
                f"{ANN}\tb3ae\tmelissa\t0\n{BOB}\tb3ae\tmelissa\t\n{BOB}\t\t\t7\n"
                f"{BOB}\tf2fb\tdie Ärzte\t12\nsep 20, 2008\t7ffd\tturbostaat\t12\n"
            ),
            "usersha1-profile.tsv": (f"{ANN}\tf\t\tGermany\tFeb 1, 2007\n{BOB}\tm\t19\tMexico\t\n"),
        },
    )
    rows = load(tmp_path, "lastfm", edition="lastfm-360k")
    assert pairs(rows) == [
        (ANN, 'betty "blowtorch', 2137),
        (ANN, "die Ärzte", 1099),
        (BOB, "die Ärzte", 12),
    ]
    assert rows.dropped == {
        "users that are no SHA-1": 1,
        "plays missing": 1,
        "plays zero": 1,
        "item missing": 1,
    }
    assert attribute(rows, "country") == ["Germany", "Mexico"]
    by_id = load(tmp_path, "lastfm", edition="lastfm-360k", item="artist_id")
    assert titled(by_id) == {"3bd7-3256": 'betty "blowtorch', "f2fb": "die Ärzte"}


def test_lastfm_360k_damaged(tmp_path: Path) -> None:
    lines = f"{ANN}\tb\tc\t0\n{ANN}\tb\td\t1\n{ANN}\tb\td\tmany\n"
    lay(tmp_path / "lastfm-360k", {PLAYS: lines})
    with pytest.raises(DataError, match=rf"values must be numbers.*\n  line 3: {ANN}\tb\td\tmany"):
        load(tmp_path, "lastfm", edition="lastfm-360k")


def test_lastfm_2k(tmp_path: Path) -> None:
    lay(
        tmp_path / "lastfm-2k",
        {
            "user_artists.dat": (
                "userID\tartistID\tweight\r\n2\t51\t13883\r\n2\t52\t0\r\n4\t52\t9\r\n"
            ),
            "artists.dat": (
                'id\tname\turl\tpictureURL\n51\tDuran "Duran\thttp://x\thttp://y\n'
                "52\tMorcheeba\thttp://x\t\n99\tUnheard\thttp://x\t\n"
            ),
        },
    )
    rows = load(tmp_path, "lastfm", edition="lastfm-2k")
    assert pairs(rows) == [(2, 51, 13883), (4, 52, 9)]
    assert titled(rows) == {51: 'Duran "Duran', 52: "Morcheeba"}
    assert rows.dropped == {"plays zero": 1}


def test_items_that_an_edition_has_not() -> None:
    with pytest.raises(ValidationError, match="an item of lastfm-2k is one of artist_id"):
        SOURCE.validate_python({"kind": "lastfm", "edition": "lastfm-2k", "item": "track_id"})
