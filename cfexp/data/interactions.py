"""`Interactions`: a frozen table of who consumed what."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cfexp.arrays import AnyArray, Codes, Floats, Longs, Mask, frozen
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cfexp.data.cleaning.step import Step
    from cfexp.data.side_information.attributes import Attributes
    from cfexp.data.side_information.item_features import ItemFeatures
    from cfexp.data.vocabulary import Vocabulary


MANY = 2_000_000
"""Rows from which on sorting is worth loading compiled code, which takes half a second."""
PARTS = ("train", "validation", "test")
"""What a source can say of its rows; a row's `part` is a position in this."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """One row per event read, in input order; checked at birth and never changed.

    All arrays have one entry per row. `value` is the raw feedback (a rating, a count),
    finite; negative only until it is cleaned. `time` is microseconds since 1970 UTC, or
    None when the source has no times. `row` is the row's position in the source, counted
    from 0: it breaks ties in time. `part` is what the source says of each row, where it
    does: one of `PARTS`. The others ride along: the title of every item code ("" where it
    has none), how many rows were `dropped` when reading and why, what is known of every
    user and item code, the `item_features`, what cleaning did `steps` by step, and `notes`
    of what reading saw that people should know.
    """

    user: Codes
    item: Codes
    value: Floats
    time: Longs | None
    row: Longs
    users: Vocabulary
    items: Vocabulary
    titles: AnyArray | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    part: Codes | None = None
    attributes: Attributes | None = None
    item_features: ItemFeatures | None = None
    item_attributes: Attributes | None = None
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def from_frame(cls, frame: Any, **columns: Any) -> Interactions:  # noqa: ANN401
        """Return the rows of a data frame of pandas, Polars or Arrow, or of a dict of columns.

        `user`, `item` and perhaps `value`, `time`, `title` and `part` name its columns;
        `time_format` and `missing_values` are as in a study file; `signed=True` lets negative
        values through, to be cleaned. DataError where the rows break a rule.
        """
        from cfexp.data.frames import from_frame

        return from_frame(frame, **columns)

    @classmethod
    def from_matrix(cls, matrix: Any, **ids: Any) -> Interactions:  # noqa: ANN401
        """Return one row per entry of a users x items matrix, sparse or dense.

        `users` and `items` are the ids of its rows and columns, left out their positions.
        DataError where shapes or values break a rule.
        """
        from cfexp.data.frames import from_matrix

        return from_matrix(matrix, **ids)

    def __post_init__(self) -> None:
        columns = {
            "user": np.int32,
            "item": np.int32,
            "value": np.float32,
            "row": np.int64,
        }
        columns |= {} if self.time is None else {"time": np.int64}
        columns |= {} if self.part is None else {"part": np.int32}
        for name, dtype in columns.items():
            array = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            if array.shape != (len(self.row),):
                msg = f"column {name!r} has shape {array.shape}, expected ({len(self.row)},)"
                raise DataError(msg)
            object.__setattr__(self, name, frozen(array))
        if not np.isfinite(self.value).all():
            msg = "values must be finite"
            raise DataError(msg)
        for name, codes, vocabulary in (
            ("user", self.user, self.users),
            ("item", self.item, self.items),
        ):
            if len(codes) and not (codes.min() >= 0 and codes.max() < len(vocabulary)):
                msg = f"{name} codes must lie in 0..{len(vocabulary) - 1}"
                raise DataError(msg)
        if self.titles is not None and len(self.titles) != len(self.items):
            msg = f"{len(self.titles)} titles for {len(self.items)} items"
            raise DataError(msg)
        for what, attributes, vocabulary in (
            ("users", self.attributes, self.users),
            ("items", self.item_attributes, self.items),
        ):
            for name, column in (attributes.columns if attributes else {}).items():
                if len(column) != len(vocabulary):
                    msg = (
                        f"attribute {name!r} has {len(column)} values for {len(vocabulary)} {what}"
                    )
                    raise DataError(msg)
        object.__setattr__(self, "dropped", MappingProxyType(dict(self.dropped)))

    def __len__(self) -> int:
        return len(self.row)

    @property
    def shape(self) -> tuple[int, int]:
        """(number of users, number of items) of the vocabularies."""
        return len(self.users), len(self.items)

    def select(self, rows: Mask | Longs) -> Interactions:
        """Return the rows given by a mask or by positions, with the same vocabularies."""
        return dataclasses.replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            value=self.value[rows],
            time=None if self.time is None else self.time[rows],
            row=self.row[rows],
            part=None if self.part is None else self.part[rows],
        )

    def with_attributes(self, attributes: Attributes | None) -> Interactions:
        """Return the same rows with what is known of every user code."""
        return dataclasses.replace(self, attributes=attributes)

    def with_item_features(self, features: ItemFeatures | None) -> Interactions:
        """Return the same rows with the features of every item code; DataError for others."""
        if features is not None and len(features) != len(self.items):
            raise DataError(f"features of {len(features)} items for {len(self.items)} items")
        return dataclasses.replace(self, item_features=features)

    def noted(self, *notes: str) -> Interactions:
        """Return the same rows with more for people to know."""
        return dataclasses.replace(self, notes=(*self.notes, *notes))

    def order_by(self, *keys: AnyArray) -> Longs:
        """Return row positions sorted by user, then by `keys`, the last key first.

        Ties go by input order. Keys are integers.
        """
        if not (self.row[1:] > self.row[:-1]).all():  # else the sort's stability is enough
            keys = (self.row, *keys)
        if len(self) < MANY:
            return np.lexsort((*keys, self.user))
        from cfexp.data.rows.ordering import sorted_within

        return sorted_within(self.user, keys, self.user_lengths)

    def by_time_within(self, *keys: AnyArray) -> Longs:
        """Return row positions sorted by user, `keys`, the last key first, time, input order.

        Where the rows have no times, by input order alone within the keys.
        """
        return self.order_by(*(() if self.time is None else (self.time,)), *keys)

    def times(self, what: str) -> Longs:
        """Return the times; DataError where there are none, saying that `what` needs them."""
        if self.time is None:
            msg = (
                f"these rows have no time column, which {what} needs; "
                "[data.columns] time names one, where a source takes columns"
            )
            raise DataError(msg)
        return self.time

    @cached_property
    def by_user_and_time(self) -> Longs:
        """Row positions sorted by user, then time, then input order."""
        return self.order_by(self.times("a split by time"))

    @cached_property
    def user_lengths(self) -> Longs:
        """The number of rows of every user."""
        return frozen(np.bincount(self.user, minlength=len(self.users)))

    @cached_property
    def occurring(self) -> Mask:
        """Which items occur in a row."""
        return frozen(np.bincount(self.item, minlength=len(self.items)) > 0)

    def rows_after(self, order: Longs) -> Longs:
        """Return for every row how many rows its user has after it in `order`.

        `order` are row positions sorted by user and then by anything.
        """
        end = np.cumsum(self.user_lengths)  # where a user's rows end
        after = np.empty(len(self), np.int64)
        after[order] = end[self.user[order]] - 1 - np.arange(len(self))
        return after

    @cached_property
    def fingerprint(self) -> str:
        """A hash of ids, values, times and the order of rows; the same on every machine.

        Of rows that were dropped between these nothing is left in it.
        """
        digest = hashlib.blake2b(digest_size=16)
        for vocabulary in (self.users, self.items):
            ids = vocabulary.ids
            data = (
                ids.astype("<i8").tobytes()
                if ids.dtype.kind in "iu"
                else "\0".join(map(str, ids)).encode()
            )
            digest.update(f"{ids.dtype.kind}{len(ids)}".encode() + data)
        in_order = (self.row[1:] > self.row[:-1]).all()
        order = None if in_order else np.argsort(np.argsort(self.row, kind="stable"), kind="stable")
        for array in (self.user, self.item, self.value, order, self.time, self.part):
            if array is not None:
                digest.update(array.data)
        return digest.hexdigest()
