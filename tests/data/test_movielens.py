from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cfexp.data.files import places
from cfexp.data.files.places import Places
from cfexp.data.public.movielens import MovieLens
from cfexp.errors import DataError

EDITIONS = {
    "ml-100k": ("u.data", "7\t9\t4\t100\n7\t3\t5\t50\n", "u.item", "3|Léon (1994)|x\n9|Two|y\n"),
    "ml-1m": (
        "ratings.dat",
        "7::9::4::100\n7::3::5::50\n",
        "movies.dat",
        '3::"Léon" 1::A\n9::B::C\n',
    ),
    "ml-latest-small": (
        "ratings.csv",
        "userId,movieId,rating,timestamp\n7,9,4.0,100\n7,3,3.5,50\n",
        "movies.csv",
        'movieId,title,genres\n3,"Léon, the (1994)",A\n9,B,C\n12,Unrated,\n',
    ),
}


@pytest.mark.parametrize("edition", EDITIONS)
def test_published_layouts(tmp_path: Path, edition: str) -> None:
    ratings, rows_text, movies, titles = EDITIONS[edition]
    (tmp_path / edition).mkdir()
    (tmp_path / edition / ratings).write_text(rows_text)
    encoding = "utf-8" if movies.endswith("csv") else "latin-1"
    (tmp_path / edition / movies).write_text(titles, encoding=encoding)
    rows = MovieLens(edition=edition).load(Places(tmp_path / "study", tmp_path))
    assert rows.users.ids.tolist() == [7]
    assert rows.items.ids.tolist() == [3, 9]
    assert rows.time is not None
    assert rows.time.tolist() == [100_000_000, 50_000_000]
    assert rows.titles is not None
    assert "Léon" in rows.titles[0]


def test_ml_10m_in_the_folder_it_unpacks_to(tmp_path: Path) -> None:
    (tmp_path / "ml-10M100K").mkdir()
    (tmp_path / "ml-10M100K" / "ratings.dat").write_text("1::2::0.5::9\n")
    rows = MovieLens(edition="ml-10m").load(Places(tmp_path, tmp_path))
    assert rows.value.tolist() == [0.5]
    assert rows.titles is None
    (words,) = rows.notes
    assert words.startswith("1 rows of MovieLens 10M are here, and 10,000,054 were published")


def test_movie_ids_that_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m/ratings.dat").write_text("1::2::5::9\n")
    (tmp_path / "ml-1m/movies.dat").write_text("2::Two::B\n9x::Nine::B\n")
    with pytest.raises(DataError, match="whole numbers; 1 of 2 rows") as caught:
        MovieLens(edition="ml-1m").load(Places(tmp_path, tmp_path))
    assert "line 2: 9x::Nine::B" in str(caught.value)


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        MovieLens(edition="ml-1m").load(Places(tmp_path / "a", tmp_path / "b"))
    for part in ("b/ml-1m/ratings.dat", "https://grouplens.org/", "CFEXP_DATA_DIR"):
        assert part in str(caught.value)


def test_data_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFEXP_DATA_DIR", "/some/where")
    assert places.data_dir() == Path("/some/where")
    monkeypatch.delenv("CFEXP_DATA_DIR")
    assert places.data_dir() == Path.home() / ".cache/cfexp"


@pytest.mark.data
@pytest.mark.parametrize(
    ("edition", "shape", "count"),
    [("ml-1m", (6040, 3706), 1_000_209), ("ml-100k", (943, 1682), 100_000)],
)
def test_real_editions(data_dir: Path, edition: str, shape: tuple[int, int], count: int) -> None:
    if not (data_dir / edition).is_dir():
        pytest.skip(f"{edition} is not in CFEXP_DATA_DIR")
    rows = MovieLens(edition=edition).load(Places(data_dir, data_dir))
    assert (rows.shape, len(rows)) == (shape, count)
    assert rows.titles is not None
    assert "Toy Story (1995)" in rows.titles[rows.items.codes(np.array([1]))]
    assert set(rows.value.tolist()) == {1, 2, 3, 4, 5}
