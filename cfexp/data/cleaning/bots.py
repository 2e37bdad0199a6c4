"""`bots`: users with far more rows than others are no people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from cfexp.data.cleaning.rule import Rule

if TYPE_CHECKING:
    from typing import Self

    from cfexp.arrays import Longs
    from cfexp.data.interactions import Interactions


class Bots(Rule):
    """Drop the users who have more than a quantile of all users, or than a number."""

    kind: Literal["bots"] = "bots"
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Drop users above this quantile of the users, such as 0.999."""
    most: Annotated[int, Field(ge=1)] | None = None
    """Drop users with more than so many."""
    by: Literal["rows", "items", "rows_per_day"] = "rows"
    """What is counted of a user: rows, different items, or the rows of the busiest day (UTC)."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.quantile is None) == (self.most is None):
            raise ValueError("give either quantile, such as 0.999, or most, a number")
        return self

    def apply(self, rows: Interactions) -> tuple[Interactions, str]:
        count = self._count(rows)
        active = count[count > 0]
        if self.quantile is not None:
            limit = float(np.quantile(active, self.quantile)) if len(active) else 0.0
            origin = f", the {self.quantile:g} quantile"
        else:
            limit, origin = float(self.most or 0), ""
        kept = count <= limit
        what = {"items": "different items", "rows_per_day": "rows on one day"}.get(self.by, "rows")
        words = f"users with more than {limit:,.10g} {what}{origin}"
        return rows.select(kept[rows.user]), words

    def _count(self, rows: Interactions) -> Longs:
        """Return what is counted, for every user."""
        if self.by == "rows":
            return rows.user_lengths
        n_users = len(rows.users)
        if self.by == "items":
            pair = np.sort(rows.user.astype(np.int64) * len(rows.items) + rows.item)
            first = np.append(True, pair[1:] != pair[:-1])  # np.unique takes 20 times as long
            return np.bincount(pair[first] // max(len(rows.items), 1), minlength=n_users)
        day = rows.times("bots by rows_per_day") // _DAY
        day -= day.min(initial=0)
        days = int(day.max(initial=0)) + 1
        user = rows.user.astype(np.int64)  # times days it may be beyond 32 bits
        found, count = np.unique(user * days + day, return_counts=True)
        most = np.zeros(n_users, np.int64)
        np.maximum.at(most, found // days, count)
        return most


_DAY = 86_400_000_000  # microseconds
