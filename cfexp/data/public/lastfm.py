"""The `lastfm` source: listens and play counts of Last.fm's users, as three sets were published."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from cfexp.data.public.source import PublicSource, titles, with_users
from cfexp.data.side_information.user_table import UserTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    import pyarrow as pa

    from cfexp.arrays import Mask
    from cfexp.data.files.csv_reader import CsvReader
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions
    from cfexp.data.public.kept import Rules

_END = datetime(2010, 1, 1, tzinfo=UTC)
"""The listens were collected until May 2009; a clock that says 2010 or later was wrong."""
_PROFILE = {"gender": 2, "age": 3, "country": 4}
_1K_USERS = UserTable(
    path="userid-profile.tsv", id="#id", columns=dict(_PROFILE), separator="\t", quote=""
)
_360K_USERS = UserTable(
    path="usersha1-profile.tsv",
    id=1,
    columns=dict(_PROFILE),
    separator="\t",
    quote="",
    header=False,
)
_SHA1 = "^[0-9a-f]{40}$"
_ITEMS = {
    "lastfm-1k": ("artist_id", "artist_name", "track_id"),
    "lastfm-2k": ("artist_id",),
    "lastfm-360k": ("artist_name", "artist_id"),
}
"""What an item can be; the first is what it is if nothing is said."""


class LastFm(PublicSource):
    """Who played which artist on Last.fm. Licence: non-commercial.

    `lastfm-1k`: every listen with its time (UTC), value 1; rows from 2010 on are dropped, since
    the collection ended in 2009; tabs beyond the sixth column belong to the track's name.
    `lastfm-360k`, `lastfm-2k`: play counts without times; rows without a count or with 0 plays
    are dropped, and in `lastfm-360k` a few rows that have a date in place of the user's hash.
    The users' gender, age and country are known but in `lastfm-2k`.
    """

    kind: Literal["lastfm"] = "lastfm"
    edition: Literal["lastfm-1k", "lastfm-2k", "lastfm-360k"]
    """Which one, by its name in `cfexp data list`."""
    item: Literal["artist_id", "artist_name", "track_id"] | None = None
    """What an item is: an artist by id, an artist by name, or a track (lastfm-1k alone); rows
    without it are dropped. Left out: artist_name in lastfm-360k, else artist_id."""

    @model_validator(mode="after")
    def _known_item(self) -> Self:
        known = _ITEMS[self.edition]
        if self.item is not None and self.item not in known:
            raise ValueError(
                f"item = {self.item!r}: an item of {self.edition} is one of {', '.join(known)}"
            )
        return self

    @property
    def dataset_name(self) -> str:
        return self.edition

    def rows(self, places: Places) -> Interactions:
        """Read every listen, or every count."""
        item = self.item or _ITEMS[self.edition][0]
        if self.edition == "lastfm-1k":
            file = self.find(places, "userid-timestamp-artid-artname-traid-traname.tsv")
            return with_users(_listens(file, item), _1K_USERS, file)
        if self.edition == "lastfm-360k":
            file = self.find(places, "usersha1-artmbid-artname-plays.tsv")
            roles = {"user": 1, "item": 2, "value": 4, "title": 3}
            if item == "artist_name":
                roles = {"user": 1, "item": 3, "value": 4}
            rows = _plays(_tabs(file, header=False), roles, _hashed)
            return with_users(rows, _360K_USERS, file)
        file = self.find(places, "user_artists.dat")
        rows = _plays(_tabs(file, header=True), {"user": 1, "item": 2, "value": 3}, _played)
        names = titles(_tabs(file.with_name("artists.dat"), header=True), rows.items)
        return dataclasses.replace(rows, titles=names)


def _tabs(file: Path, *, header: bool) -> CsvReader:
    from cfexp.data.files.csv_reader import CsvReader

    return CsvReader(file, "\t", "", header=header)


def _listens(file: Path, item: str) -> Interactions:
    from cfexp.data.public.kept import Kept, interactions_of
    from cfexp.data.public.stray_tabs import StrayTabs

    roles = {"user": 1, "time": 2}
    roles |= {
        "artist_id": {"item": 3, "title": 4},
        "artist_name": {"item": 4},
        "track_id": {"item": 5, "title": 6},
    }[item]
    reader = Kept(StrayTabs(file, columns=6), _in_time)
    return interactions_of(reader, roles, "iso", reader)


def _in_time(table: pa.Table) -> Mapping[str, Mask]:
    import pyarrow as pa
    import pyarrow.compute as pc

    times = table["time"]
    if not pa.types.is_timestamp(times.type):  # one cannot be read, and will be refused
        return {}
    late = pc.fill_null(pc.greater_equal(times, pa.scalar(_END, times.type)), fill_value=False)
    return {"listens dated 2010 or later": late.to_numpy()}


def _plays(file: CsvReader, roles: Mapping[str, int], rules: Rules) -> Interactions:
    from cfexp.data.public.kept import Kept, interactions_of

    reader = Kept(file, rules)
    return interactions_of(reader, roles, "auto", reader)


def _hashed(table: pa.Table) -> Mapping[str, Mask]:
    import numpy as np
    import pyarrow.compute as pc

    from cfexp.data.rows.table import encoded

    codes, ids = encoded(table["user"])
    bad = pc.invert(pc.match_substring_regex(ids, _SHA1)).to_numpy(zero_copy_only=False)
    dates = np.append(bad, False)[codes]  # the last, -1, is nobody
    return {"users that are no SHA-1": dates, **_played(table)}


def _played(table: pa.Table) -> Mapping[str, Mask]:
    import pyarrow as pa
    import pyarrow.compute as pc

    plays = table["value"]
    rules = {"plays missing": plays.is_null().to_numpy()}
    if pa.types.is_floating(plays.type):  # else one is no number, and will be refused
        rules["plays zero"] = pc.fill_null(pc.equal(plays, 0.0), fill_value=False).to_numpy()
    return rules
