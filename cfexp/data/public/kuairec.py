"""The `kuairec` source: the big matrix to learn from, the small one to be predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cfexp.data.public.source import PublicSource
from cfexp.data.side_information.item_table import ItemTable
from cfexp.data.side_information.user_table import UserTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import AnyArray, Mask
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions
    from cfexp.data.public.kept import Kept
    from cfexp.data.side_information.id_table import IdTable
    from cfexp.data.vocabulary import Vocabulary

_ROLES = {"user": "user_id", "item": "video_id", "value": "watch_ratio", "time": "timestamp"}
_MORE = {"play_duration": "play_duration", "video_duration": "video_duration"}
_USERS = UserTable(path="user_features.csv", id="user_id")
_ITEMS = ItemTable(path="item_categories.csv", id="video_id", lists={"feat": ","})


class KuaiRec(PublicSource):
    """Short videos watched; the value is the ratio of the video's length that was played.

    For the split `predefined`: the big matrix is train, the small one test. Features of users
    are their attributes; the categories of videos (`feat`) are item features. Of every file,
    rows with an empty column and rows that repeat another are dropped, and counted.
    Licence: CC BY-SA 4.0.
    """

    kind: Literal["kuairec"] = "kuairec"

    @property
    def dataset_name(self) -> str:
        return "kuairec"

    def rows(self, places: Places) -> Interactions:
        """Read both matrices, and the features that lie beside them."""
        from cfexp.data.files.files import Joined
        from cfexp.data.public.kept import interactions_of

        big = self.find(places, "data/big_matrix.csv")
        train, test = (
            _whole(file, _MORE) for file in (big, self.find(places, "data/small_matrix.csv"))
        )
        both = Joined([train, test], ["train", "test"])
        return _with_features(interactions_of(both, _ROLES, "unix", train, test), big.parent)


def _with_features(rows: Interactions, folder: Path) -> Interactions:
    """Return the rows with what files in `folder` tell of their users and items."""
    import numpy as np

    from cfexp.data.side_information.attributes import Attributes
    from cfexp.data.side_information.item_features import ItemFeatures

    if (file := folder / _USERS.path).is_file():
        listed, columns, notes = _features(file, _USERS)
        rows = rows.with_attributes(Attributes.joined(rows.users, listed, columns)).noted(*notes)
    if (file := folder / _ITEMS.path).is_file():
        listed, columns, notes = _features(file, _ITEMS)
        columns = {name: np.char.strip(lists, "[]") for name, lists in columns.items()}
        about = Attributes.joined(rows.items, listed, columns)
        features = ItemFeatures.of_columns(about, _ITEMS.lists)
        rows = rows.with_item_features(features).noted(*notes)
    return rows


def _features(file: Path, table: IdTable) -> tuple[Vocabulary, dict[str, AnyArray], list[str]]:
    """Return the ids and columns of a file of features, and what was dropped of it."""
    from cfexp.data.files.csv_reader import CsvReader

    reader = _whole(file)
    listed, columns, _ = table.rows_of(reader, CsvReader(file).names())
    return listed, columns, [f"{rule}: {count:,} dropped" for rule, count in reader.dropped.items()]


def _whole(file: Path, more: Mapping[str, str] | None = None) -> Kept:
    """Return a reader of the rows without flaws, which are seen in the columns asked for."""
    from cfexp.data.files.csv_reader import CsvReader
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

    return Kept(CsvReader(file, time_format="unix"), rules, more)
