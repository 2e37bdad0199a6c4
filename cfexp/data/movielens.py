"""The `movielens` source: GroupLens' published archives, unpacked as they come."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cfexp.data.movies import movies
from cfexp.data.source import Source
from cfexp.data.user_table import UserTable

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places

_PAGE = "https://grouplens.org/datasets/movielens/"


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
_FOLDERS = {"ml-10m": ("ml-10m", "ml-10M100K")}
"""Archives that unpack to a folder of another name."""


class MovieLens(Source):
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

    def load(self, places: Places) -> Interactions:
        """Read every rating; an item's title is "" where the archive has none."""
        from cfexp.data.csv_reader import CsvReader
        from cfexp.data.table import interactions

        layout = _LAYOUTS.get(self.edition, _CSV)
        file = self._find(places, layout.ratings)
        reader = CsvReader(
            file, layout.separator, header=layout.header, time_format="unix"
        )  # digits alone
        table = reader.read({"user": 1, "item": 2, "value": 3, "time": 4})
        rows = interactions(table, "unix", reader)
        about = file.with_name(layout.titles)
        if about.is_file():
            reader = CsvReader(
                about,
                layout.titles_separator,
                layout.quote,
                header=layout.header,
                encoding=layout.encoding,
            )
            titles, features = movies(reader, rows.items)
            rows = dataclasses.replace(rows, titles=titles, item_features=features)
        if layout.users is None or not (people := file.with_name(layout.users.path)).is_file():
            return rows
        return rows.with_attributes(layout.users.joined(people, rows.users))

    def _find(self, places: Places, name: str) -> Path:
        tried = [
            file
            for folder in _FOLDERS.get(self.edition, (self.edition,))
            for file in places.candidates(f"{folder}/{name}")
        ]
        return places.first(
            tried,
            f"MovieLens {self.edition} is not on this machine; looked for",
            f"Download it from {_PAGE}, unpack it there as it comes, or set CFEXP_DATA_DIR "
            f"to the folder that holds {self.edition}/",
        )
