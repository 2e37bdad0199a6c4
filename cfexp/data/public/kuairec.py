"""The `kuairec` source: the big matrix to learn from, the small one to be predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cfexp.data.public.source import PublicSource, with_users
from cfexp.data.user_table import UserTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import Mask
    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places
    from cfexp.data.public.kept import Kept

_ROLES = {"user": "user_id", "item": "video_id", "value": "watch_ratio", "time": "timestamp"}
_MORE = {"play_duration": "play_duration", "video_duration": "video_duration"}
_USERS = UserTable(path="user_features.csv", id="user_id")


class KuaiRec(PublicSource):
    """Short videos watched; the value is the ratio of the video's length that was played.

    For the split `predefined`: the big matrix is train, the small one test. Rows with an
    empty column and rows that repeat another are dropped, and counted per file. Features of
    users are their attributes. Licence: CC BY-SA 4.0.
    """

    kind: Literal["kuairec"] = "kuairec"

    @property
    def dataset_name(self) -> str:
        return "kuairec"

    def load(self, places: Places) -> Interactions:
        """Read both matrices."""
        from cfexp.data.files import Joined
        from cfexp.data.public.kept import interactions_of

        big = self.find(places, "data/big_matrix.csv")
        train, test = _matrix(big), _matrix(self.find(places, "data/small_matrix.csv"))
        both = Joined([train, test], ["train", "test"])
        return with_users(interactions_of(both, _ROLES, "unix", train, test), _USERS, big)


def _matrix(file: Path) -> Kept:
    from cfexp.data.csv_reader import CsvReader
    from cfexp.data.public.flaws import flawed
    from cfexp.data.public.kept import Kept

    def rules(table: pa.Table) -> Mapping[str, Mask]:
        gaps, repeated = flawed(table)
        words = {"rows with an empty column": gaps, "rows that repeat another": repeated}
        return {
            f"{rule}, {bad.mean():.1%} of {file.name}": bad
            for rule, bad in words.items()
            if bad.any()
        }

    return Kept(CsvReader(file, time_format="unix"), rules, _MORE)
