"""`item_level`: recommend artists in place of tracks, brands in place of products."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.data.cleaning.rule import Rule
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions


class ItemLevel(Rule):
    """Replace every item by one of its attributes; items without it are dropped.

    Attributes are those of the file that `[data] items` names. Where the log itself has a
    column of the level, name that column in `[data.columns] item` instead.
    """

    kind: Literal["item_level"] = "item_level"
    attribute: Annotated[str, Field(min_length=1)]
    """The attribute that becomes the item, such as "artist"."""

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        attributes = rows.item_attributes or Attributes()
        columns = attributes.columns
        if self.attribute not in columns:
            raise DataError(
                f"items have no attribute {self.attribute!r}; those of [data] items are "
                f"{', '.join(columns) or 'none'}{did_you_mean(self.attribute, columns)}"
            )
        if self.attribute in attributes.lists:
            raise DataError(
                f"{self.attribute!r} holds lists, and an item becomes one value; name a column of "
                "single values"
            )
        column = columns[self.attribute]
        known = ~np.isnan(column) if column.dtype.kind == "f" else column != ""
        ids = column[known]
        if column.dtype.kind == "f":
            whole = (ids == np.round(ids)).all()
            ids = ids.astype(np.int64) if whole else ids.astype(str).astype(object)
        else:
            ids = ids.astype(object)
        levels, codes = Vocabulary.of(ids)
        level = np.full(len(column), -1, np.int32)
        level[known] = codes
        kept = np.flatnonzero(level[rows.item] >= 0)
        chosen = dataclasses.replace(
            rows.select(kept),
            item=level[rows.item[kept]],
            items=levels,
            titles=None,
            item_attributes=None,
            item_features=None,
        )
        return chosen, f"items without {self.attribute}; items are now {self.attribute}"
