"""Item tables become features: amounts, kinds, lists; unknown, useless and wrong ones."""

# ruff: noqa: PD011 - the values are not those of a data frame

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from cfexp.data.cleaning.item_level import ItemLevel
from cfexp.data.files.csv_file import Csv
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.public.movielens import MovieLens
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.side_information.feature_column import MOST, FeatureColumn
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.side_information.standardized import Standardized, directions
from cfexp.data.side_information.user_table import UserTable
from cfexp.data.synthetic import Synthetic
from cfexp.data.training import TrainingData
from cfexp.errors import DataError

SONGS = """song,tempo,genres,key,mood
a,120,rock|pop,1,calm
b,1.5e2,pop,2,
c,NA,,1,calm
d,90,rock | jazz,2,wild
z,1,metal,7,wild
"""


def load(folder: Path, songs: str | pd.DataFrame = SONGS, **table: object) -> Interactions:
    (folder / "rows.csv").write_text("user,item\n1,a\n1,b\n2,c\n2,d\n3,e\n")
    name = "songs.csv"
    if isinstance(songs, str):
        (folder / name).write_text(songs)
    else:
        name = "songs.parquet"
        songs.to_parquet(folder / name)
    fields = {"path": name, "id": "song"} | table
    source = {"path": "rows.csv", "columns": {"user": "user", "item": "item"}, "items": fields}
    return Csv.model_validate(source).load(Places(folder, folder))


def features(rows: Interactions) -> ItemFeatures:
    assert rows.item_features is not None
    return rows.item_features


def column(found: ItemFeatures, name: str) -> list[float]:
    return found.values[:, found.names.index(name)].tolist()


def test_amounts_kinds_and_lists(tmp_path: Path) -> None:
    rows = load(tmp_path, lists={"genres": "|"}, categories=["key"])
    found = features(rows)
    assert found.names == ("tempo", "genres=pop", "genres=rock", "key=1", "key=2", "mood=calm")
    np.testing.assert_array_equal(column(found, "tempo"), [120, 150, np.nan, 90, np.nan])
    np.testing.assert_array_equal(column(found, "genres=pop"), [1, 1, np.nan, 0, np.nan])
    np.testing.assert_array_equal(column(found, "genres=rock"), [1, 0, np.nan, 1, np.nan])
    np.testing.assert_array_equal(column(found, "key=1"), [1, 0, 1, 0, np.nan])
    np.testing.assert_array_equal(column(found, "mood=calm"), [1, np.nan, 1, 0, np.nan])
    assert found.summary == "tempo, genres (2 values), key (2 values), mood (1 values)"
    assert (found.missing, found.unused) == (1, 1), "e has no row, z is nobody's"
    assert rows.select(np.array([0])).item_features is found
    key = column(features(load(tmp_path, lists={"genres": "|"})), "key")
    np.testing.assert_array_equal(key, [1, 2, 1, 2, np.nan])


def test_lists_of_parquet(tmp_path: Path) -> None:
    songs = pd.DataFrame(
        {
            "song": ["a", "b", "d"],
            "genres": [["rock", "pop"], ["pop"], ["rock"]],
            "mfcc": [[0.5, 2.0], [1.5, 3.0], None],
            "live": [True, False, True],
            "labels": [[7], [7, 9], [9]],
        }
    )
    found = features(load(tmp_path, songs, categories=["labels"]))
    names = "genres=pop", "genres=rock", "mfcc 1", "mfcc 2", "live=true", "labels=7", "labels=9"
    assert found.names == names
    np.testing.assert_array_equal(column(found, "labels=9"), [0, 1, np.nan, 1, np.nan])
    np.testing.assert_array_equal(column(found, "mfcc 2"), [2, 3, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(column(found, "genres=pop"), [1, 1, np.nan, 0, np.nan])
    with pytest.raises(
        DataError, match="labels: lists of numbers must be equally long, not 1 to 2"
    ):
        load(tmp_path, songs)


def test_what_tells_nothing_is_left_out_and_said(tmp_path: Path) -> None:
    songs = "song,x,empty,same,words,kind\na,1,,5,p,k\nb,2,,5,q,k\nc,3,,5,r,k\n"
    found = features(load(tmp_path, songs))
    assert found.names == ("x",)
    assert dict(found.left_out) == {
        "empty": "no item has a value",
        "same": "all items have the same value",
        "words": "no two items share a value",
        "kind": "all items have the same value",
    }
    assert found.reasons["all items have the same value"] == "same, kind"
    nothing = load(tmp_path, songs, columns={"same": "same", "empty": "empty"})
    assert features(nothing).columns == ()
    assert load(tmp_path, "song\na\nb\n").item_features is None


def test_unknown_values_in_lists_of_parquet(tmp_path: Path) -> None:
    songs = pd.DataFrame(
        {"song": ["a", "b", "c", "d"], "g": [["x", None], [None, "x", "y"], [None], ["y"]]}
    )
    found = features(load(tmp_path, songs))
    np.testing.assert_array_equal(column(found, "g=x"), [1, 1, np.nan, 0, np.nan])
    np.testing.assert_array_equal(column(found, "g=y"), [0, 1, np.nan, 1, np.nan])
    with pytest.raises(DataError, match="'g' holds lists"):
        ItemLevel(attribute="g").apply(load(tmp_path, songs))


def test_numbers_that_float64_merges_are_no_amounts(tmp_path: Path) -> None:
    songs = pd.DataFrame({"song": list("abcde"), "artist": range(2**53, 2**53 + 5)})
    for given in (songs, songs.to_csv(index=False)):
        with pytest.raises(DataError, match=r"2\^53 .* write categories = \['artist'\]"):
            load(tmp_path, given)
        rows, _ = ItemLevel(attribute="artist").apply(load(tmp_path, given, categories=["artist"]))
        assert rows.items.ids.tolist() == [str(2**53 + n) for n in range(5)]
    users = UserTable.model_validate({"path": "songs.parquet", "id": "song"})
    (groups,) = users.rows(tmp_path / "songs.parquet")[1].values()
    assert len(set(groups.tolist())) == 5


@pytest.mark.parametrize(
    ("songs", "table", "words"),
    [
        ("song,x\na,1\nb,inf\n", {}, "'x' has the value 'inf': amounts must be finite"),
        ("song,x\na,1\nb,1e60\n", {}, "finite in float32; 1 of 5 are not, the first is 1e"),
        ("song,x\na,1\nb,2\nc,fast\n", {}, r"'fast': most .* write categories = \['x'\]"),
        (SONGS, {"lists": {"genre": "|"}}, "lists names 'genre'.* did you mean 'genres'"),
        (SONGS, {"categories": ["keys"]}, "categories names 'keys'.* did you mean 'key'"),
        (
            SONGS + "a,1,,,\n",
            {},
            r"every item must have one row; 1 of 6 rows break this:\n  line 7",
        ),
        (SONGS, {"columns": {"bpm": "bpm"}}, "no column 'bpm' for the attribute bpm"),
    ],
)
def test_mistakes(tmp_path: Path, songs: str, table: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(tmp_path, songs, **table)


def test_the_most_frequent_values_are_kept() -> None:
    words = np.array([f"v{n:03}" for n in range(300) for _ in range(2 + (n == 299))])
    made = FeatureColumn.of("word", words)
    assert made.values is not None
    assert len(made.values) == MOST
    assert "v299" in made.values
    assert "v199" not in made.values


def test_standardized_as_by_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(3, 5, (50, 4)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 3] = 7
    values[49] = 1e6  # of an item that nobody had, which must not move the others
    known = np.arange(50) < 40
    vectors = Standardized.of(values, known).vectors(values)
    expected = StandardScaler().fit(values[:40]).transform(values)
    expected[:, 3] = 0  # it is the same for all that was learnt from
    np.testing.assert_allclose(vectors, np.nan_to_num(expected), rtol=1e-5, atol=1e-6)
    units, lengths = directions(vectors)
    np.testing.assert_allclose(units * lengths[:, None], vectors, rtol=1e-5, atol=1e-6)
    assert (directions(np.zeros((2, 3), np.float32))[0] == 0).all()
    nothing = Standardized.of(np.full((3, 2), np.nan, np.float32), np.ones(3, bool))
    assert (nothing.vectors(values[:, :2]) == 0).all()


def test_of_an_array() -> None:
    found = ItemFeatures.of([[1, np.nan], [2, 3]])
    assert found.names == ("feature 1", "feature 2")
    assert ItemFeatures.of(found) is found
    for wrong, words in (
        ([1, 2], "not of shape"),
        ([["a"]], "are numbers"),
        ([[np.inf]], "finite"),
    ):
        with pytest.raises(DataError, match=words):
            ItemFeatures.of(wrong)
    with pytest.raises(DataError, match="features of 2 items, and 5 items"):
        TrainingData(TrainingData.of(np.ones((4, 5))).positives, found)


def test_described_and_digested(tmp_path: Path) -> None:
    found = features(load(tmp_path, lists={"genres": "|"}))
    again = ItemFeatures.from_described(found.described(), found.values)
    assert again.columns == found.columns
    assert again.digest == found.digest
    other = features(load(tmp_path, SONGS.replace("120", "121"), lists={"genres": "|"}))
    assert other.digest != found.digest
    columns = {"tempo": np.array([1.0, np.nan]), "genres": np.array(["jazz|pop", ""])}
    encoded = found.encoded(columns)
    np.testing.assert_array_equal(encoded[0, :3], [1, 1, 0])
    assert np.isnan(encoded[1]).all()
    assert np.isnan(encoded[:, 3:]).all()
    with pytest.raises(DataError, match="equally long"):
        found.encoded({"tempo": np.ones(2), "genres": np.array(["x"])})


def test_synthetic_songs_sound_like_their_tastes() -> None:
    nowhere = Places(Path("none"), Path("none"))
    rows, again = (Synthetic(users=300, items=400).load(nowhere) for _ in range(2))
    found = features(rows)
    assert found.digest == features(again).digest
    assert found.digest != features(Synthetic(users=300, items=400, seed=1).load(nowhere)).digest
    assert found.summary.endswith("acousticness and 16 more")
    assert {"tempo", "energy", "mfcc_13", "genres=jazz", "key=C"} <= set(found.names)
    assert 0.02 < np.isnan(found.values[:, 0]).mean() < 0.07
    assert rows.titles is not None
    taste = np.array([title.rpartition("taste ")[2] for title in rows.titles])
    vectors, _ = directions(Standardized.of(found.values, np.ones(400, bool)).vectors(found.values))
    alike = vectors @ vectors.T
    same = taste[:, None] == taste
    np.fill_diagonal(same, val=False)
    assert alike[same].mean() > 0.4
    assert abs(alike[taste[:, None] != taste].mean()) < 0.05


@pytest.mark.data
@pytest.mark.parametrize("edition", ["ml-1m", "ml-100k"])
def test_genres_and_years_of_movielens(data_dir: Path, edition: str) -> None:
    if not (data_dir / edition).is_dir():
        pytest.skip(f"{edition} is not in CFEXP_DATA_DIR")
    rows = MovieLens(edition=edition).load(Places(data_dir, data_dir))  # type: ignore[arg-type]
    found = features(rows)
    toy_story = found.values[rows.items.codes(np.array([1]))[0]]
    has = {name for name, value in zip(found.names, toy_story, strict=True) if value == 1}
    assert has == {"genres=Animation", "genres=Children's", "genres=Comedy"}
    assert toy_story[found.names.index("year")] == 1995
    assert found.missing == 0


def test_columns_of_a_table_may_be_nothing() -> None:
    assert ItemFeatures.of_columns(Attributes({"x": np.array(["", ""])})).columns == ()


def test_values_are_chosen_among_the_items_learnt_from() -> None:
    learnt = np.arange(MOST * 2 + 6) < MOST * 2 + 4
    word = [f"v{n:03}" for n in range(MOST + 2) for _ in range(2)]
    table = {
        "genres": np.array(["rock|pop"] * (len(word) - 1) + ["polka", "rock", "polka|rock"]),
        "word": np.array([*word, "v201", "v201"]),  # of all items v201 is the most frequent one
        "late": np.array(["solo", *[""] * (len(word) - 1), "x", "x"]),
        "tempo": np.arange(len(word) + 2.0),
    }
    whole = ItemFeatures.of_columns(Attributes(table), {"genres": "|"})
    assert {"genres=polka", "word=v201", "late=x"} <= set(whole.names)
    found = whole.among(learnt)
    assert not {"genres=polka", "word=v201", "late=x"} & set(found.names)
    assert {"genres=pop", "genres=rock", "tempo", "word=v199"} <= set(found.names)
    assert len(found.columns[1].features) == MOST
    genre, tempo = (found.names.index(name) for name in ("genres=rock", "tempo"))
    assert found.values[-1, [genre, tempo]].tolist() == [1, len(word) + 1]
    # nothing of the others decides
    table = {name: np.where(learnt, column, column[:1]) for name, column in table.items()}
    again = ItemFeatures.of_columns(Attributes(table), {"genres": "|"}).among(learnt)
    assert again.columns == found.columns
    np.testing.assert_array_equal(again.values[learnt], found.values[learnt])
    assert whole.among(np.ones(len(learnt), bool)) is whole
