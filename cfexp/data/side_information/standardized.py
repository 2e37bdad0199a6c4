"""`Standardized`: item features with mean 0 and variance 1, and directions to compare items by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Floats, Mask


@dataclass(frozen=True, eq=False)
class Standardized:
    """z = (x - mean) weight, feature by feature; weight is 1 / standard deviation.

    Mean and deviation are those of the items that were learnt from. A feature that does not
    vary among those has weight 0, for it tells nothing of anybody's taste. What is unknown
    (NaN) has z = 0: it counts as the mean.
    """

    mean: Doubles
    weight: Doubles

    def __post_init__(self) -> None:
        shapes = {self.mean.shape, self.weight.shape}
        finite = np.isfinite(self.mean).all() and np.isfinite(self.weight).all()
        if len(shapes) != 1 or self.mean.ndim != 1 or not finite:
            raise ValueError("means and weights of features must be finite and as many")

    @classmethod
    def of(cls, values: Floats, known: Mask) -> Standardized:
        """Return what scikit-learn's `StandardScaler` finds of `values` (items x features).

        `known` says which items are learnt from.
        """
        from sklearn.preprocessing import StandardScaler

        learnt = values[known].astype(np.float64)
        varies = np.fmax.reduce(learnt, initial=-np.inf) > np.fmin.reduce(learnt, initial=np.inf)
        mean, weight = np.zeros((2, values.shape[1]))
        if varies.any():
            scaler = StandardScaler().fit(learnt[:, varies])
            mean[varies], weight[varies] = scaler.mean_, 1 / scaler.scale_
        return cls(mean, weight)

    def vectors(self, values: Floats) -> Floats:
        """Return the standardised features, float32, items x features."""
        z = (values - self.mean) * self.weight
        z[np.isnan(z)] = 0
        vectors: Floats = z.astype(np.float32)
        return vectors


def directions(vectors: Floats) -> tuple[Floats, Floats]:
    """Return vectors of length 1 (of length 0 those of length 0), and their lengths."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    scale: AnyArray = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (vectors * scale[:, None]).astype(np.float32), lengths.astype(np.float32)
