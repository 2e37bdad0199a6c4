"""How sure a positive makes us: the weights of the positives in ALS's objective.

With c0 the confidence of a pair without interaction, a positive of value r has c0 plus

    linear    a r
    log       a log(1 + r / epsilon)
    binary    a
    capped    min(a r, cap - c0)          so that c = min(c0 + a r, cap)
    clipped   a min(r, clip)

where a fades with the positive's place in the user's history:

    a = alpha + recency exp(-rank / recency_scale)

`rank` counts the user's positives back from the newest, which has 0; by "age" it is
the days before the newest. r is the raw value (a count, a rating, or 1). "linear" is
section 4 of Hu, Koren & Volinsky 2008 and "log" their equation 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.models.recency import RecencyName, past

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Floats
    from cfexp.data.positives import Positives

ConfidenceName = Literal["linear", "log", "binary", "capped", "clipped"]
EpsilonName = Literal["user_mean", "side_mean"]
# Fields that models share, each in its own order, which records are hashed in.
Form = Annotated[
    ConfidenceName,
    Field(
        description='How values r become confidence: alpha r; "log", alpha log(1 + r / epsilon); '
        '"binary", alpha; "capped", alpha r with a cap on the whole; "clipped", alpha min(r, clip).'
    ),
]
Cap = Annotated[float, Field(gt=0, description='For "capped": the largest confidence.')]
Clip = Annotated[float, Field(gt=0, description='For "clipped": the largest value that counts.')]
AddedRecency = Annotated[
    float,
    Field(
        ge=0,
        description="What the user's newest positive adds to alpha; it fades as "
        "exp(-rank / recency_scale). Without effect on plain matrices, which have no order.",
    ),
]
Orientation = Literal["users", "items"]
"""What the rows of a matrix are."""


@dataclass(frozen=True)
class Confidence:
    """One weighting of positives; the formulas are above.

    `epsilon` is a number, or the mean of the user's values ("user_mean"), or the mean
    of the row that is being solved ("side_mean": users and items then disagree about a
    pair's weight, so that there is no objective and no loss); means below 1 count as 1.
    """

    kind: ConfidenceName = "linear"
    alpha: float = 1.0
    epsilon: float | EpsilonName = 1.0
    cap: float = 100.0
    clip: float = 100.0
    unseen: float = 1.0
    recency: float = 0.0
    recency_scale: float = 10.0
    recency_by: RecencyName = "rank"

    @property
    def by_age(self) -> bool:
        """Whether it fades by days, which needs times."""
        return self.recency > 0 and self.recency_by == "age"

    @property
    def has_loss(self) -> bool:
        """Whether both sides weigh a pair alike."""
        return not (self.kind == "log" and self.epsilon == "side_mean")

    def added(
        self,
        positives: Positives,
        rows: Orientation = "users",
        *,
        histories: Positives | None = None,
    ) -> Floats:
        """Return what every entry of `positives` adds to the confidence, float32.

        `rows` says whether the rows of `positives` are users or items. "user_mean" is the
        mean of the user's values in `histories` (users x items), where these are given:
        `positives` may be new items, which are not all that their users have.

        Raises
        ------
        DataError
            When positives fade by age and have ranks but no times.
        """
        added = self._strength(positives)
        added *= self._bent(positives, rows, histories)
        if self.kind == "capped":
            np.minimum(added, np.float32(max(self.cap - self.unseen, 0)), out=added)
        return added

    def _bent(self, positives: Positives, rows: Orientation, histories: Positives | None) -> Floats:
        values = positives.data
        if self.kind == "log":
            logs: Floats = np.log1p(values / self._epsilon(positives, rows, histories))
            return logs
        if self.kind == "binary":
            return np.ones_like(values)
        return np.minimum(values, np.float32(self.clip)) if self.kind == "clipped" else values

    def _epsilon(
        self, positives: Positives, rows: Orientation, histories: Positives | None
    ) -> Floats | float:
        if not isinstance(self.epsilon, str):
            return float(self.epsilon)
        if rows == "users" or self.epsilon == "side_mean":
            owner, n = _rows(positives), positives.shape[0]
        else:
            owner, n = positives.indices, positives.shape[1]
        if histories is None or self.epsilon == "side_mean":
            return _means(owner, positives.data, n)[owner]
        return _means(_rows(histories), histories.data, n)[owner]

    def _strength(self, positives: Positives) -> Floats:
        """Return alpha and what recency adds to it, a new array."""
        ago = past(positives, self.recency_by) if self.recency else None
        if ago is None:
            return np.full(positives.nnz, self.alpha, np.float32)
        strength = np.multiply(ago, np.float32(-1 / self.recency_scale), dtype=np.float32)
        np.exp(strength, out=strength)
        strength *= np.float32(self.recency)
        strength += np.float32(self.alpha)
        return strength


def _rows(positives: Positives) -> AnyArray:
    """Return the row of every entry."""
    return np.repeat(np.arange(positives.shape[0]), np.diff(positives.indptr))


def _means(owner: AnyArray, values: Floats, n: int) -> Floats:
    """Return the mean of the values of each of `n` owners, at least 1."""
    total = np.bincount(owner, weights=values, minlength=n)
    counts = np.bincount(owner, minlength=n)
    return np.maximum(total / np.maximum(counts, 1), 1).astype(np.float32)
