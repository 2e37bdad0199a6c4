"""`ItemTable`: a file with a row for each item, whose columns become item features."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from cfexp.data.rows.columns import Column
from cfexp.data.side_information.amounts import NUMBER, is_exact, stored_numbers, text
from cfexp.data.side_information.id_table import IdTable, Name
from cfexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import AnyArray
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions

_UNKNOWN = {"", "na", "nan", "n/a", "null", "none"}
_INFINITE = {"inf", "+inf", "-inf", "infinity", "-infinity"}
LIST = "\x1f"
"""Stands between the values of a column that Parquet stores as lists of text."""


class ItemTable(IdTable):
    """Titles and features, one row per item; ids join exactly with those of the interactions.

    A column of numbers is one feature, its amount. Of a column of text every value that two
    items learnt from have is one, the 200 most frequent; of a column of lists likewise. Empty
    cells (and `nan`, `NA`, `null` among numbers) are unknown, and count as the mean.
    """

    of: ClassVar[Literal["user", "item"]] = "item"

    title: Column | None = None
    """The column of the item's title, to show to people."""
    lists: dict[Name, str] = Field(default_factory=dict)
    """Columns that hold several values each, and what stands between them:
    `{ genres = "|" }`. Parquet's own lists of text need no mention, and its lists of numbers,
    all equally long, are a feature for each place."""
    categories: tuple[Name, ...] = ()
    """Columns whose numbers are names, such as a key or a label's number, and no amounts;
    Parquet's lists of numbers too."""

    @field_validator("lists")
    @classmethod
    def _separated(cls, lists: dict[str, str]) -> dict[str, str]:
        if empty := [name for name, separator in lists.items() if not separator]:
            raise ValueError(f"{empty[0]} needs what stands between its values, such as '|'")
        return lists

    def join(self, places: Places, rows: Interactions) -> Interactions:
        """Return `rows` with titles, attributes and features of their items.

        Raises
        ------
        DataError
            When there is no such file or column, two rows are of one item, or an amount is not
            finite.
        """
        from cfexp.data.side_information.item_features import ItemFeatures

        file = places.find(self.path)
        table, titles = self._joined(file, rows.items, self.title)
        self._refuse_unknown(file, table.columns)
        features = None
        if table.columns:
            separators = self._separators(table.columns)
            table = dataclasses.replace(table, lists=frozenset(separators))
            features = ItemFeatures.of_columns(table, separators)
        return dataclasses.replace(
            rows,
            titles=rows.titles if titles is None else titles,
            item_attributes=table,
        ).with_item_features(features)

    def flat(self, table: pa.Table) -> pa.Table:
        """Return lists of text as text, and lists of numbers as a column for each place."""
        import pyarrow as pa
        import pyarrow.compute as pc

        lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
        for place, role in reversed(list(enumerate(table.column_names))):
            column = table[role]
            kind, name = column.type, role.partition(" ")[2]
            if not any(one(kind) for one in lists):
                continue
            inside = kind.value_type
            amounts = pa.types.is_integer(inside) or pa.types.is_floating(inside)
            if not amounts or name in self.categories:
                table = table.set_column(place, role, _joined(column, self.lists.get(name, LIST)))
                continue
            lengths = pc.unique(pc.list_value_length(column).drop_null()).to_pylist()
            if len(lengths) > 1:
                raise DataError(
                    f"{name}: lists of numbers must be equally long, not {min(lengths)} to "
                    f"{max(lengths)}; if they are names, write categories = [{name!r}]"
                )
            table = table.remove_column(place)
            column = column.cast(pa.list_(pa.float64()))
            for number in range(lengths[0] if lengths else 0):
                one = pc.list_element(column, number)
                table = table.add_column(place + number, f"{role} {number + 1}", one)
        return table

    def column(self, column: pa.ChunkedArray, name: str) -> AnyArray:
        """Return amounts as float64, kinds and lists as str."""
        if name in self.categories or name in self.lists:
            return text(column, name)
        found = stored_numbers(column)
        return _amounts(name, text(column, name)) if found is None else found

    def _separators(self, columns: Mapping[str, AnyArray]) -> dict[str, str]:
        """Return what stands between the values of each column of lists."""
        nested = {
            name: LIST
            for name, column in columns.items()
            if column.dtype.kind == "U" and (np.char.find(column, LIST) >= 0).any()
        }
        return nested | self.lists

    def _refuse_unknown(self, file: Path, columns: Iterable[str]) -> None:
        for setting, names in (("lists", self.lists), ("categories", self.categories)):
            for name in names:
                if name not in columns:
                    raise DataError(
                        f"{file}: {setting} names {name!r}, which is no column that is read; "
                        f"these are {', '.join(columns)}{did_you_mean(name, columns)}"
                    )


def _joined(column: pa.ChunkedArray, separator: str) -> pa.ChunkedArray:
    """Return lists as text; unknown values at the ends of a list are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def joined(lists: pa.ListArray) -> pa.Array:
        values = pc.fill_null(lists.values, "")
        texts = pc.binary_join(pa.ListArray.from_arrays(lists.offsets, values), LIST)
        texts = pc.replace_substring(pc.utf8_trim(texts, LIST), LIST, separator)
        return pc.if_else(lists.is_valid(), texts, None)

    chunks = column.cast(pa.list_(pa.string())).chunks
    return pa.chunked_array([joined(lists) for lists in chunks], pa.string())


def _amounts(name: str, texts: AnyArray) -> AnyArray:
    """Return float64 where all texts are numbers or unknown, else the texts.

    Raises DataError where most of them are numbers and some are not.
    """
    distinct, codes = np.unique(texts, return_inverse=True)
    stripped = [one.strip() for one in distinct.tolist()]
    kinds = [one for one in stripped if one.lower() not in _UNKNOWN]
    others = [one for one in kinds if not NUMBER.fullmatch(one)]
    if kinds and 2 * len(others) > len(kinds):
        return texts
    if others:
        infinite = others[0].lower() in _INFINITE
        way = (
            "amounts must be finite; leave it empty where it is unknown"
            if infinite
            else "most of the column are numbers; leave cells empty where they are unknown, or "
            f"write categories = [{name!r}]"
        )
        raise DataError(f"item feature {name!r} has the value {others[0]!r}: {way}")
    for one in kinds:
        if not is_exact(one):
            raise DataError(
                f"item feature {name!r} has the value {one}, and amounts of 2^53 or more are not "
                f"told apart; if these are names, write categories = [{name!r}]"
            )
    values = [np.nan if one.lower() in _UNKNOWN else float(one) for one in stripped]
    return np.array(values, np.float64)[codes]
