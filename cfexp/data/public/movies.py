"""MovieLens' files of movies: what genres and titles tell as item features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.side_information.attributes import Attributes
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray
    from cfexp.data.files.csv_reader import CsvReader

_YEAR = re.compile(r"\(((?:18|19|20)\d\d)[^()]*\)\s*$")
"""At the end of a title: "(1995)", "(1995-2001)"."""
_BETWEEN = "|"
_NONE = "(no genres listed)"
_FLAGS = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""The genres of ml-100k, each a column of 0 and 1 from the sixth on."""
_FIRST_FLAG = 6


def movie_features(reader: CsvReader, items: Vocabulary) -> ItemFeatures | None:
    """Return every item's genres and year, from a file of one row per movie.

    None where there is no such file, or it tells nothing of the kind.
    """
    if not reader.file.is_file():
        return None
    width = len(reader.names())
    roles = {"item": 1, "title": 2}
    if width >= _FIRST_FLAG + len(_FLAGS) - 1:
        roles |= {genre: place for place, genre in enumerate(_FLAGS, _FIRST_FLAG)}
    elif width == 3:  # noqa: PLR2004 - movie, title, genres
        roles["genres"] = 3
    table = reader.read(roles)
    texts = {role: table[role].cast("string").fill_null("").to_numpy() for role in roles}
    ids, first = np.unique(texts.pop("item").astype(np.str_), return_index=True)
    columns = {"year": _years(texts.pop("title"))} | ({"genres": _genres(texts)} if texts else {})
    own = {name: column[first] for name, column in columns.items()}
    about = Attributes.joined(items, Vocabulary(ids.astype(object)), own)
    features = ItemFeatures.of_columns(about, {"genres": _BETWEEN})
    return features if features.columns else None


def _years(titles: AnyArray) -> AnyArray:
    found = (_YEAR.search(title) for title in titles.tolist())
    return np.array([float(year.group(1)) if year else np.nan for year in found])


def _genres(texts: dict[str, AnyArray]) -> AnyArray:
    """Return each movie's genres, a "|" between them, "" where none are known."""
    if "genres" in texts:
        return np.array(["" if text == _NONE else text for text in texts["genres"].tolist()])
    rows = zip(*(column.tolist() for column in texts.values()), strict=True)
    return np.array(
        [_BETWEEN.join(g for g, x in zip(texts, row, strict=True) if x == "1") for row in rows]
    )
