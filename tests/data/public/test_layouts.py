"""Every data set of the catalogue, read from small files in its published layout."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp.data.interactions import Interactions
from cfexp.data.places import Places
from cfexp.data.public.catalogue import catalogue
from cfexp.data.public.check import check
from cfexp.data.public.shelf import Shelf
from cfexp.data.public.source import PublicSource
from cfexp.data.sources import AnySource
from cfexp.errors import DataError, InputError

SOURCE: TypeAdapter[PublicSource] = TypeAdapter(AnySource)
LISTENS = "userid-timestamp-artid-artname-traid-traname.tsv"
PLAYS = "usersha1-artmbid-artname-plays.tsv"


def lay(root: Path, files: dict[str, str], encoding: str = "utf-8") -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))


def load(root: Path, kind: str, **fields: str) -> Interactions:
    return SOURCE.validate_python({"kind": kind, **fields}).load(Places(root / "study", root))


def pairs(rows: Interactions) -> list[tuple[Any, Any, float]]:
    users, items = rows.users.ids[rows.user], rows.items.ids[rows.item]
    return list(zip(users.tolist(), items.tolist(), rows.value.tolist(), strict=True))


def attribute(rows: Interactions, name: str) -> list[Any]:
    assert rows.attributes is not None
    return list(rows.attributes.columns[name].tolist())


def titled(rows: Interactions) -> dict[Any, str]:
    assert rows.titles is not None
    return dict(zip(rows.items.ids.tolist(), rows.titles.tolist(), strict=True))


MOVIELENS = {
    "ml-100k": {
        "u.data": "7\t9\t4\t881250949\n8\t3\t5\t881250950\n",
        "u.item": "3|Léon (1994)|01-Jan-1994||http://x|0|1\n9|Two|01-Jan-1995||http://y|1|0\n",
        "u.user": "7|24|M|technician|85711\n8|53|F|other|94043\n",
    },
    "ml-1m": {
        "ratings.dat": "7::9::4::881250949\n8::3::5::881250950\n",
        "movies.dat": "3::Léon (1994)::Action|Drama\n9::Two::Comedy\n",
        "users.dat": "7::M::24::10::85711\n8::F::53::16::94043-1234\n",
    },
    "ml-10m": {
        "ratings.dat": "7::9::4::881250949\n8::3::5::881250950\n",
        "movies.dat": "3::Léon (1994)::Action|Drama\n9::Two::Comedy\n",
    },
}
CSV = {
    "ratings.csv": "userId,movieId,rating,timestamp\n7,9,4.0,881250949\n8,3,5.0,881250950\n",
    "movies.csv": 'movieId,title,genres\n3,Léon (1994),"Action|Drama"\n9,"Two, ""the""",Comedy\n',
}


@pytest.mark.parametrize("edition", [name for name in catalogue() if name.startswith("ml-")])
def test_movielens(tmp_path: Path, edition: str) -> None:
    encoding = "latin-1" if edition in {"ml-100k", "ml-1m"} else "utf-8"
    lay(tmp_path / edition, MOVIELENS.get(edition, CSV), encoding)
    rows = load(tmp_path, "movielens", edition=edition)
    assert pairs(rows) == [(7, 9, 4.0), (8, 3, 5.0)]
    assert rows.time is not None
    assert rows.time.tolist() == [881250949_000_000, 881250950_000_000]
    assert titled(rows) == {3: "Léon (1994)", 9: "Two" if edition in MOVIELENS else 'Two, "the"'}
    if encoding == "latin-1":
        assert attribute(rows, "gender") == ["M", "F"]
        assert attribute(rows, "age") == [24, 53]


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


HEAD = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
WATCHED = "{},{},13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,{}\n"


def kuairec(root: Path) -> None:
    big = [WATCHED.format(*row) for row in [(0, 3649, 1.273397), (0, 9598, 1.2), (1, 3649, 2.5)]]
    small = [WATCHED.format(14, 148, 0.7221).replace(",20200705,", ",20200705.0,")]
    small.append("14,183,11635,7075,,,,1.6444\n")
    lay(
        root,
        {
            "data/big_matrix.csv": HEAD + "".join([*big, big[0], big[0]]),
            "data/small_matrix.csv": HEAD + "".join(small),
            "data/user_features.csv": (
                "user_id,user_active_degree,follow_user_num,follow_user_num_range,onehot_feat4\n"
                '0,high_active,5,"(0,10]",1\n1,full_active,386,"(250,500]",\n'
                '14,full_active,4,"(0,10]",3\n'
            ),
            "data/item_categories.csv": (
                'video_id,feat\n0,[8]\n148,[9]\n3649,"[27, 9]"\n3649,"[27, 9]"\n9598,[27]\n'
            ),
            "data/item_daily_features.csv": "video_id,date,video_tag_name\n0,20200705,建筑\n0,,\n",
            "data/social_network.csv": 'user_id,friend_list\n3371,[2975]\n24,"[2665, 3]"\n',
        },
    )


@pytest.mark.parametrize("folder", ["KuaiRec", "KuaiRec 2.0"])
def test_kuairec(tmp_path: Path, folder: str) -> None:
    kuairec(tmp_path / folder)
    rows = load(tmp_path, "kuairec")
    assert [(user, item) for user, item, _ in pairs(rows)] == [
        (0, 3649),
        (0, 9598),
        (1, 3649),
        (14, 148),
    ]
    assert rows.part is not None
    assert rows.part.tolist() == [0, 0, 0, 2]
    assert rows.value[0] == np.float32(1.273397)
    assert rows.dropped == {
        "rows that repeat another, 40.0% of big_matrix.csv": 2,
        "rows with an empty column, 50.0% of small_matrix.csv": 1,
    }
    assert attribute(rows, "user_active_degree") == ["high_active", "", "full_active"]
    assert attribute(rows, "follow_user_num_range") == ["(0,10]", "", "(0,10]"]
    assert attribute(rows, "follow_user_num")[::2] == [5, 4]
    assert rows.item_features is not None
    assert rows.item_features.names == ("feat=27", "feat=9")
    assert rows.items.ids.tolist() == [148, 3649, 9598]
    assert rows.item_features.values.tolist() == [[0, 1], [1, 1], [1, 0]]  # noqa: PD011
    assert rows.notes == (
        "rows with an empty column, 33.3% of user_features.csv: 1 dropped",
        "rows that repeat another, 20.0% of item_categories.csv: 1 dropped",
    )


def test_kuairec_without_features(tmp_path: Path) -> None:
    kuairec(tmp_path / "KuaiRec")
    for name in ("user_features", "item_categories"):
        (tmp_path / "KuaiRec" / "data" / f"{name}.csv").unlink()
    rows = load(tmp_path, "kuairec")
    assert (len(rows), rows.attributes, rows.item_features) == (4, None, None)


def test_kuairec_features_that_contradict(tmp_path: Path) -> None:
    kuairec(tmp_path / "KuaiRec")
    with (tmp_path / "KuaiRec/data/item_categories.csv").open("a") as file:
        file.write("148,[3]\n")
    with pytest.raises(DataError, match=r"every item must have one row.*\n  line 7: 148,\[3\]"):
        load(tmp_path, "kuairec")


def test_kuairec_damaged(tmp_path: Path) -> None:
    kuairec(tmp_path / "kuairec")
    with (tmp_path / "kuairec/data/small_matrix.csv").open("a") as file:
        file.write(WATCHED.format(1, 2, "often"))
    with pytest.raises(
        DataError, match=r"values must be.*\n  small_matrix\.csv: line 4: 1,2,13838"
    ):
        load(tmp_path, "kuairec")


ORDERS = {
    "InvoiceNo": ["536365", "536365", "C536379", "536366", "536366", "536367"],
    "StockCode": ["85123A", "71053", "D", "71053", "71053", "71053"],
    "Description": ["HOLDER", None, "Discount", "LANTERN", "LANTERN", "LANTERN"],
    "Quantity": [6.0, 2.0, -1.0, 3.0, 3.0, 3.0],
    "InvoiceDate": pd.to_datetime(["2010-12-01 08:26:00"] * 6),
    "UnitPrice": [2.55, 3.39, 27.5, 0.0, 1.0, 1.0],
    "CustomerID": [17850.0, 17850.0, 14527.0, 13047.0, 13047.0, None],
    "Country": ["United Kingdom", "Norway", "EIRE", "France", "France", "France"],
}


def test_online_retail(tmp_path: Path) -> None:
    (tmp_path / "online-retail").mkdir()
    pd.DataFrame(ORDERS).to_parquet(tmp_path / "online-retail/online_retail.parquet")
    rows = load(tmp_path, "online_retail")
    assert len(rows) == 5
    assert rows.users.ids.tolist() == [13047, 14527, 17850]
    assert titled(rows) == {"71053": "LANTERN", "85123A": "HOLDER", "D": "Discount"}
    assert rows.dropped == {"user missing": 1}
    assert attribute(rows, "country") == ["France", "EIRE", "United Kingdom"]
    bought = load(tmp_path, "online_retail", cancellations="drop", value="quantity")
    assert pairs(bought) == [(17850, "85123A", 6), (17850, "71053", 2), (13047, "71053", 3)]
    assert bought.dropped == {
        "cancelled invoices": 1,
        "quantity or price not above 0": 1,
        "user missing": 1,
    }
    assert attribute(bought, "country") == ["France", "United Kingdom"]


def test_quantities_of_cancellations() -> None:
    with pytest.raises(ValidationError, match='needs cancellations = "drop"'):
        SOURCE.validate_python({"kind": "online_retail", "value": "quantity"})


def test_taste_profile(tmp_path: Path) -> None:
    lay(
        tmp_path / "taste-profile",
        {
            "train_triplets.txt": "b803\tSOAKIMP12A8C130995\t1\nb803\tSOAPDEY12A81C210A9\t12\n",
            "unique_tracks.txt": (
                'TRA<SEP>SOAPDEY12A81C210A9<SEP>Jack "J" Johnson<SEP>Nobody Knows\n'
                "TRB<SEP>SOAPDEY12A81C210A9<SEP>Jack Johnson<SEP>Nobody Knows (live)\n"
                "TRC<SEP>SOXXXXX12A81C210A9<SEP>Björk<SEP>Jóga\n"
            ),
        },
    )
    rows = load(tmp_path, "taste_profile")
    assert pairs(rows) == [("b803", "SOAKIMP12A8C130995", 1), ("b803", "SOAPDEY12A81C210A9", 12)]
    assert titled(rows) == {"SOAKIMP12A8C130995": "", "SOAPDEY12A81C210A9": "Nobody Knows"}
    (tmp_path / "taste-profile/unique_tracks.txt").unlink()
    assert load(tmp_path, "taste_profile").titles is None


@pytest.mark.parametrize("edition", ["gowalla", "yelp2018", "amazon-book"])
def test_lightgcn(tmp_path: Path, edition: str) -> None:
    lay(
        tmp_path / edition,
        {
            "train.txt": "0 0 1 2\n1 2 \n2\n3 7",
            "test.txt": "0 7\n1\n3 0 1\n",
            "item_list.txt": "org_id remap_id\nB0006 0\nna4Th5DrNauOv-c43QQFvA 1\n60090383 7\n",
        },
    )
    rows = load(tmp_path, "lightgcn", edition=edition)
    found = [(user, item) for user, item, _ in pairs(rows)]
    assert found == [(0, 0), (0, 1), (0, 2), (1, 2), (3, 7), (0, 7), (3, 0), (3, 1)]
    assert rows.part is not None
    assert rows.part.tolist() == [0] * 5 + [2] * 3
    assert titled(rows) == {0: "B0006", 1: "na4Th5DrNauOv-c43QQFvA", 2: "", 7: "60090383"}


def test_lightgcn_by_original_ids(tmp_path: Path) -> None:
    users = "org_id remap_id\nZoe 0\n007 1\nunseen 2\n"
    items = "org_id remap_id\nB2 0\nA1 1\n"
    lists = {"user_list.txt": users, "item_list.txt": items}
    lay(tmp_path / "gowalla", {"train.txt": "0 0 1\n1 1\n", "test.txt": "1 0\n", **lists})
    rows = load(tmp_path, "lightgcn", edition="gowalla", ids="original")
    found = [(user, item) for user, item, _ in pairs(rows)]
    assert found == [("Zoe", "B2"), ("Zoe", "A1"), ("007", "A1"), ("007", "B2")]
    lay(tmp_path / "gowalla", {"item_list.txt": "org_id remap_id\nB2 0\n"})
    with pytest.raises(DataError, match="1 ids are not in the list, such as 1"):
        load(tmp_path, "lightgcn", edition="gowalla", ids="original")


def test_lightgcn_damaged(tmp_path: Path) -> None:
    lay(tmp_path / "gowalla", {"train.txt": "0 1 2\n1 x 3\n", "test.txt": "0 3\n"})
    with pytest.raises(DataError, match=r"whole numbers alone.*\n  line 2: 1 x 3"):
        load(tmp_path, "lightgcn", edition="gowalla")


def test_the_catalogue_and_the_sources_name_the_same_sets() -> None:
    for name, dataset in catalogue().items():
        source = SOURCE.validate_python(dataset.study)
        assert source.dataset_name == name
        assert source.dataset is dataset
        assert all(file.rows for file in dataset.files if not file.optional) == (
            dataset.rows is not None
        )


def test_the_documentation_has_the_catalogue() -> None:
    page = (Path(__file__).parents[3] / "docs" / "public-data.md").read_text()
    for name, one in catalogue().items():
        rows = "" if one.rows is None else f"{one.rows:,}"
        fields = ", ".join(f'{key} = "{value}"' for key, value in one.study.items())
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} | {rows} |")]
        assert f"| {one.about} | `{fields}` | {one.terms.licence} |" in line


@pytest.mark.parametrize("name", catalogue())
def test_absent(tmp_path: Path, name: str) -> None:
    source = SOURCE.validate_python(catalogue()[name].study)
    with pytest.raises(InputError, match=f"`cfexp data fetch {name}` downloads it") as caught:
        source.load(Places(tmp_path / "study", tmp_path / "data"))
    assert str(tmp_path / "data" / name) in str(caught.value)


@pytest.mark.data
@pytest.mark.parametrize(
    ("fields", "count", "shape", "title"),
    [
        ({"kind": "lastfm", "edition": "lastfm-2k"}, 92_834, (1_892, 17_632), "MALICE MIZER"),
        ({"kind": "online_retail"}, 406_829, (4_372, 3_684), None),
        (
            {"kind": "online_retail", "cancellations": "drop"},
            397_884,
            (4_338, 3_665),
            None,
        ),
    ],
)
def test_real_sets_have_the_published_counts(
    data_dir: Path, fields: dict[str, str], count: int, shape: tuple[int, int], title: str | None
) -> None:
    source = SOURCE.validate_python(fields)
    if not (data_dir / source.dataset_name).is_dir():
        pytest.skip(f"{source.dataset_name} is not in CFEXP_DATA_DIR")
    rows = source.load(Places(data_dir, data_dir))
    assert (len(rows), rows.shape) == (count, shape)
    assert rows.titles is not None
    assert title in {None, rows.titles[0]}
    if fields.get("cancellations") == "drop":
        assert len(np.unique(rows.user.astype(np.int64) * shape[1] + rows.item)) == 266_792


@pytest.mark.data
@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "lastfm-2k", "online-retail"])
def test_real_sets_are_as_published(data_dir: Path, name: str) -> None:
    shelf = Shelf(catalogue()[name], data_dir)
    if shelf.state == "absent":
        pytest.skip(f"{name} is not in CFEXP_DATA_DIR")
    found = list(check(shelf))
    assert not any(file.wrong for file in found)
    unverified = name == "online-retail"  # converted from what is published
    assert {file.verdict for file in found} == {"not verified" if unverified else "published"}
    assert all(file.rows == file.expected_rows for file in found)
