"""MovieLens' files of movies: titles, and what they and the genres tell as item features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.attributes import Attributes
from cfexp.data.interactions import Vocabulary
from cfexp.data.item_features import ItemFeatures
from cfexp.data.messages import refuse
from cfexp.data.table import INTEGER

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Longs
    from cfexp.data.csv_reader import CsvReader

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


def movies(reader: CsvReader, items: Vocabulary) -> tuple[AnyArray, ItemFeatures | None]:
    """Return every item's title, "" where there is none, and its genres and year.

    None in place of features where the file tells nothing of the kind.
    """
    width = len(reader.names())
    flags = width >= _FIRST_FLAG + len(_FLAGS) - 1
    roles = {"item": 1, "title": 2}
    if flags:
        roles |= {genre: place for place, genre in enumerate(_FLAGS, _FIRST_FLAG)}
    elif width == 3:  # noqa: PLR2004 - movie, title, genres
        roles["genres"] = 3
    table = reader.read(roles)
    texts = {role: table[role].cast("string").fill_null("").to_numpy() for role in roles}
    codes = items.codes(_numbers(reader, texts.pop("item")))
    known = np.flatnonzero(codes >= 0)
    titles = np.full(len(items), "", object)
    titles[codes[known]] = texts["title"][known]
    columns = {"year": _years(texts.pop("title")), "genres": _genres(texts)}
    own = Vocabulary(items.ids[codes[known]])
    about = Attributes.joined(items, own, {name: one[known] for name, one in columns.items()})
    features = ItemFeatures.of_columns(about, {"genres": _BETWEEN})
    return titles, features if features.columns else None


def _numbers(reader: CsvReader, texts: AnyArray) -> Longs:
    bad = np.array([re.fullmatch(INTEGER, text) is None for text in texts.tolist()], bool)
    refuse(reader, "movie ids must be whole numbers", bad, np.arange(len(bad)))
    return texts.astype(np.int64)


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
