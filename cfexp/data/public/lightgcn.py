"""The `lightgcn` source: the filtered and split files that papers on graph models share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from cfexp.data.public.source import PublicSource, titles
from cfexp.data.rows.messages import SHOWN, refuse
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import AnyArray, Mask
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class LightGcn(PublicSource):
    """Pairs of user and item without values or times, for the split `predefined`.

    The title of an item is its original id, where item_list.txt lies beside the pairs.
    Licence: none stated.
    """

    kind: Literal["lightgcn"] = "lightgcn"
    edition: Literal["gowalla", "yelp2018", "amazon-book"]
    """Which one, by its name in `cfexp data list`."""
    ids: Literal["files", "original"] = "files"
    """What users and items are called: by the files' own numbers, or by the ids, always text,
    that user_list.txt and item_list.txt give for them."""

    @property
    def dataset_name(self) -> str:
        return self.edition

    def rows(self, places: Places) -> Interactions:
        """Read train.txt and test.txt."""
        from cfexp.data.files.files import Joined
        from cfexp.data.public.kept import interactions_of

        train = self.find(places, "train.txt")
        both = Joined([Lists(train), Lists(self.find(places, "test.txt"))], ["train", "test"])
        rows = interactions_of(both, {"user": 1, "item": 2}, "auto")
        if self.ids == "files":
            return dataclasses.replace(rows, titles=_original(train, "item_list.txt", rows.items))
        users = _renamed(self.find(places, "user_list.txt"), rows.users)
        items = _renamed(self.find(places, "item_list.txt"), rows.items)
        user_ids, user = Vocabulary.of(users[rows.user])
        item_ids, item = Vocabulary.of(items[rows.item])
        return dataclasses.replace(rows, user=user, users=user_ids, item=item, items=item_ids)


def _original(beside: Path, name: str, known: Vocabulary) -> AnyArray | None:
    """Return the original ids; "" where the list has none, None where there is no list."""
    from cfexp.data.files.csv_reader import CsvReader

    return titles(CsvReader(beside.with_name(name), " ", ""), known, item=2, title=1)


def _renamed(file: Path, known: Vocabulary) -> AnyArray:
    found = cast("AnyArray", _original(file, file.name, known))
    if missing := known.ids[found == ""].tolist():
        shown = ", ".join(map(str, missing[:SHOWN]))
        raise DataError(f"{file}: {len(missing):,} ids are not in the list, such as {shown}")
    return found


class Lists:
    """Reads lines of a user and the user's items, all of them numbers; as a table of pairs."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: AnyArray = np.zeros(0, np.int64)

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table of user and item; `roles` can ask for nothing else."""
        import pyarrow as pa

        del roles
        try:
            data = self.file.read_bytes()
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror}") from error
        byte = np.frombuffer(data, np.uint8)
        blank = np.isin(byte, np.frombuffer(b" \t\r\n", np.uint8))
        self._refuse_others(byte, blank | ((byte >= ord("0")) & (byte <= ord("9"))))
        starts = np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]]))
        numbers = np.fromstring(data.decode(), np.int64, sep=" ") if len(starts) else starts
        line = np.searchsorted(np.flatnonzero(byte == ord("\n")), starts)
        first = np.concatenate([[True], line[1:] != line[:-1]])[: len(line)]
        users = numbers[first][np.cumsum(first) - 1]
        self._lines = line[~first]
        return pa.table({"user": users[~first], "item": numbers[~first]})

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position: the line it is of."""
        return self._show(self._lines[list(rows)].tolist())

    def _show(self, lines: Sequence[int]) -> list[str]:
        texts = self.file.read_bytes().split(b"\n")
        return [f"line {line + 1}: {texts[line].decode(errors='replace')}" for line in lines]

    def _refuse_others(self, byte: AnyArray, known: Mask) -> None:
        if known.all():
            return
        ends = np.flatnonzero(byte == ord("\n"))
        wrong = np.unique(np.searchsorted(ends, np.flatnonzero(~known)))
        bad = np.zeros(len(ends) + 1, bool)
        bad[wrong] = True
        refuse(_Lines(self), "a line must hold whole numbers alone", bad, np.arange(len(bad)))


class _Lines:
    """Shows whole lines in messages."""

    def __init__(self, lists: Lists) -> None:
        self.file = lists.file
        self.show = lists._show  # noqa: SLF001 - of this file
