"""`AnyRule`: every rule that `[[clean]]` can name, and `clean`, which applies them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
from pydantic import Field

from cfexp.data.cleaning.bots import Bots
from cfexp.data.cleaning.duplicates import Duplicates
from cfexp.data.cleaning.item_level import ItemLevel
from cfexp.data.cleaning.step import begun, stepped
from cfexp.data.cleaning.values import Clip, Log, Values
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cfexp.data.cleaning.rule import Rule
    from cfexp.data.interactions import Interactions

AnyRule: TypeAlias = Annotated[
    Values | Bots | Duplicates | Clip | Log | ItemLevel, Field(discriminator="kind")
]


def clean(rows: Interactions, rules: Iterable[Rule]) -> Interactions:
    """Return what the rules leave of `rows`, with a step of the report for each.

    Raises
    ------
    DataError
        When a rule does not fit the rows or leaves none, or values are negative at the end.
    """
    rows = begun(rows)
    for place, rule in enumerate(rules):
        before = len(rows)
        try:
            rows, words = rule.apply(rows)
        except DataError as error:
            raise DataError(f"clean[{place}], {rule.kind}: {error}") from error
        if len(rows) == 0:
            raise DataError(
                f"clean[{place}], {rule.kind}: no rows are left of {before:,} ({words})"
            )
        rows = stepped(rows, words)
    negative = np.flatnonzero(rows.value < 0)
    if len(negative):
        first = int(negative[0])
        (user,) = rows.users.ids[rows.user[[first]]].tolist()
        (item,) = rows.items.ids[rows.item[[first]]].tolist()
        raise DataError(
            f"values must not be negative after cleaning; {len(negative):,} of {len(rows):,} "
            f"are, the first is {rows.value[first]:g} of user {user!r} and item {item!r}; "
            "end [[clean]] with kind = 'values', above = 0"
        )
    return rows
