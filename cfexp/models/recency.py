"""How long ago a user's positives were, as models with recency ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray
    from cfexp.data.positives import Positives

RecencyName = Literal["rank", "age"]
"""What recency fades by: the number of newer positives, or the days since."""
RecencyBy = Annotated[
    RecencyName,
    Field(
        description="Whether recency fades by the number of newer positives or by the days since."
    ),
]
"""The field `recency_by` of a model."""
RecencyScale = Annotated[
    float,
    Field(
        gt=0,
        description="After how many positives (or days) recency has faded to 37%. Without effect "
        "where recency is 0.",
    ),
]
"""The field `recency_scale` of a model."""


def past(positives: Positives, by: RecencyName) -> AnyArray | None:
    """Return the rank or the age of every entry, None where rows have no order.

    Raises
    ------
    DataError
        When positives fade by age and have ranks but no times.
    """
    if positives.rank is None:
        return None
    found = positives.rank if by == "rank" else positives.age
    if found is None:
        raise DataError(
            'recency_by = "age" needs times, and these rows have none; name a time '
            'column in [data.columns], or fade by "rank" (the order of the rows)'
        )
    return found
