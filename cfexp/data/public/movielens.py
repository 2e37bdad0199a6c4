"""The `movielens` source: GroupLens' published archives, unpacked as they come."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cfexp.data.public.movies import movie_features
from cfexp.data.public.source import PublicSource, titles, with_users
from cfexp.data.side_information.user_table import UserTable

if TYPE_CHECKING:
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


@dataclass(frozen=True)
class _Layout:
    """How one generation of archives is laid out; columns are user, movie, rating, time."""

    ratings: str
    titles: str
    separator: str
    titles_separator: str
    header: bool
    encoding: str
    quote: str = ""
    users: UserTable | None = None
    """The file of the users."""


def _users(path: str, separator: str, *names: str) -> UserTable:
    """Return a file of users without a header: an id, then columns of these names."""
    columns: dict[str, int | str] = {name: place for place, name in enumerate(names, 2)}
    return UserTable(
        path=path,
        id=1,
        columns=columns,
        separator=separator,
        quote="",
        header=False,
        encoding="latin-1",
    )


_DAT = _Layout("ratings.dat", "movies.dat", "::", "::", header=False, encoding="latin-1")
_CSV = _Layout("ratings.csv", "movies.csv", ",", ",", header=True, encoding="utf-8", quote='"')
_LAYOUTS = {
    "ml-100k": _Layout(
        "u.data",
        "u.item",
        "\t",
        "|",
        header=False,
        encoding="latin-1",
        users=_users("u.user", "|", "age", "gender", "occupation", "zip"),
    ),
    "ml-1m": dataclasses.replace(
        _DAT, users=_users("users.dat", "::", "gender", "age", "occupation", "zip")
    ),
    "ml-10m": dataclasses.replace(_DAT, encoding="utf-8"),
}


class MovieLens(PublicSource):
    """Ratings of movies, with titles. Licence: research use, no redistribution.

    Genres, and the year in the title, are item features.
    `ml-100k` and `ml-1m` tell each user's age (of ml-1m: the lowest of an age group),
    gender, occupation (of ml-1m: a number) and zip.
    """

    kind: Literal["movielens"] = "movielens"
    edition: Literal[
        "ml-100k",
        "ml-1m",
        "ml-10m",
        "ml-20m",
        "ml-25m",
        "ml-32m",
        "ml-latest-small",
        "ml-latest",
    ]
    """Which archive; read from the folder of that name in CFEXP_DATA_DIR."""

    @property
    def dataset_name(self) -> str:
        return self.edition

    def rows(self, places: Places) -> Interactions:
        """Read every rating; an item's title is "" where the archive has none."""
        from cfexp.data.files.csv_reader import CsvReader
        from cfexp.data.public.kept import interactions_of

        layout = _LAYOUTS.get(self.edition, _CSV)
        file = self.find(places, layout.ratings)
        reader = CsvReader(
            file, layout.separator, header=layout.header, time_format="unix"
        )  # digits alone
        rows = interactions_of(reader, {"user": 1, "item": 2, "value": 3, "time": 4}, "unix")
        movies = CsvReader(
            file.with_name(layout.titles),
            layout.titles_separator,
            layout.quote,
            header=layout.header,
            encoding=layout.encoding,
        )
        rows = dataclasses.replace(rows, titles=titles(movies, rows.items))
        rows = rows.with_item_features(movie_features(movies, rows.items))
        return rows if layout.users is None else with_users(rows, layout.users, file)
