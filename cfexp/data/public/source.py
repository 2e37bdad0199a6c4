"""`PublicSource`: what the sources of public data sets have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.rows.messages import refuse
from cfexp.data.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import AnyArray
    from cfexp.data.files.csv_reader import CsvReader
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions
    from cfexp.data.public.catalogue import Dataset
    from cfexp.data.side_information.user_table import UserTable
    from cfexp.data.vocabulary import Vocabulary


class PublicSource(Source):
    """Reads a data set of the catalogue from its files as published."""

    @property
    @abstractmethod
    def dataset_name(self) -> str:
        """Its name in the catalogue."""

    @property
    def dataset(self) -> Dataset:
        """Its entry in the catalogue."""
        from cfexp.data.public.catalogue import named

        return named(self.dataset_name)

    def candidates(self, places: Places, path: str) -> list[Path]:
        """Return where a file of the data set is looked for."""
        folders = self.dataset.folders
        return [file for folder in folders for file in places.candidates(f"{folder}/{path}")]

    def files(self, places: Places) -> list[Path]:
        named = (self.candidates(places, file.path) for file in self.dataset.files)
        return [file for candidates in named for file in candidates if file.is_file()]

    @abstractmethod
    def rows(self, places: Places) -> Interactions:
        """Read every row; DataError when a file is absent or breaks a rule."""

    def load(self, places: Places) -> Interactions:
        """Read every row; where there are not as many as published, that is noted."""
        rows, one = self.rows(places), self.dataset
        found = len(rows) + sum(rows.dropped.values())
        if one.rows in {None, found}:
            return rows
        return rows.noted(
            f"{found:,} rows of {one.title} are here, and {one.rows:,} were published; "
            f"`cfexp data check {one.name}` compares its files"
        )

    def find(self, places: Places, path: str) -> Path:
        """Return a file of the data set; DataError that says how to get it where there is none."""
        one = self.dataset
        return places.first(
            self.candidates(places, path),
            f"{one.title} is not on this machine; looked for",
            f"`cfexp data fetch {one.name}` downloads it; or take it from {one.page} and lay its "
            f"files into {one.folders[0]}/ of the folder that CFEXP_DATA_DIR names",
        )


def with_users(rows: Interactions, table: UserTable, beside: Path) -> Interactions:
    """Return the rows with the attributes of users, where that file lies beside `beside`."""
    people = beside.with_name(table.path)
    return rows.with_attributes(table.read(people, rows.users)) if people.is_file() else rows


def titles(reader: CsvReader, items: Vocabulary, item: int = 1, title: int = 2) -> AnyArray | None:
    """Return the title of every item from a file of one row per item; "" where it has none.

    None where there is no such file. Ids must be whole numbers where those of `items` are;
    of an item's several titles the first counts.
    """
    import pyarrow.compute as pc

    from cfexp.data.rows.table import INTEGER

    if not reader.file.is_file():
        return None
    table = reader.read({"item": item, "title": title})
    ids = table["item"].cast("string").fill_null("")
    if items.ids.dtype.kind == "i":
        bad = ~pc.match_substring_regex(ids, INTEGER).to_numpy()
        refuse(reader, "item ids must be whole numbers", bad, np.arange(len(bad)))
        ids = ids.cast("int64")
    codes = items.codes(ids.to_numpy())
    known = np.flatnonzero(codes >= 0)[::-1]  # the first is written last
    found = np.full(len(items), "", object)
    found[codes[known]] = table["title"].cast("string").fill_null("").to_numpy()[known]
    return found
