"""The `taste_profile` source: play counts of the Million Song Dataset's Taste Profile Subset."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from cfexp.data.public.source import PublicSource, titles

if TYPE_CHECKING:
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class TasteProfile(PublicSource):
    """How often users played songs; titles where unique_tracks.txt lies beside the counts.

    Licence: research.
    """

    kind: Literal["taste_profile"] = "taste_profile"

    @property
    def dataset_name(self) -> str:
        return "taste-profile"

    def rows(self, places: Places) -> Interactions:
        """Read every count."""
        from cfexp.data.files.csv_reader import CsvReader
        from cfexp.data.public.kept import interactions_of

        file = self.find(places, "train_triplets.txt")
        counts = CsvReader(file, "\t", "", header=False)
        rows = interactions_of(counts, {"user": 1, "item": 2, "value": 3}, "auto")
        tracks = CsvReader(file.with_name("unique_tracks.txt"), "<SEP>", "", header=False)
        return dataclasses.replace(rows, titles=titles(tracks, rows.items, item=2, title=4))
