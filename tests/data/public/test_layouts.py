"""Every data set of the catalogue, read from small files in its published layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from layouts import SOURCE, attribute, lay, load, pairs, titled
from pydantic import ValidationError

from cfexp.data.files.places import Places
from cfexp.data.public.catalogue import catalogue
from cfexp.data.public.check import check
from cfexp.data.public.shelf import Shelf
from cfexp.errors import DataError, InputError

LEON, TWO = (  # 19 genres: Action and Drama, Comedy
    "|".join("1" if place in genres else "0" for place in range(19)) for genres in ({1, 8}, {5})
)
MOVIELENS = {
    "ml-100k": {
        "u.data": "7\t9\t4\t881250949\n8\t3\t5\t881250950\n",
        "u.item": f"3|Léon (1994)|01-Jan-1994||http://x|{LEON}\n9|Two|01-Jan-1995||http://y|{TWO}\n",
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
