"""`AnySplit`: every split that a study file can name in `[split] kind`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from cfexp.splits.by_item import ByItem
from cfexp.splits.by_time import ByTime
from cfexp.splits.by_user import ByUser
from cfexp.splits.leave_one_out import LeaveOneOut
from cfexp.splits.per_user_fraction import PerUserFraction
from cfexp.splits.per_user_last import PerUserLast
from cfexp.splits.predefined import Predefined
from cfexp.splits.random_per_user import RandomPerUser

AnySplit: TypeAlias = Annotated[
    PerUserLast
    | PerUserFraction
    | LeaveOneOut
    | RandomPerUser
    | ByTime
    | ByUser
    | ByItem
    | Predefined,
    Field(discriminator="kind"),
]
