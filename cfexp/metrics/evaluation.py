"""`Evaluation`: what was measured, user by user, and the means that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.arrays import load_arrays, save_arrays
from cfexp.errors import DataError, EvaluationError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import AnyArray, Codes, Doubles, Longs

_SINGLE = ("stage", "pooled/", "catalogue/")
"""Begin the names of saved arrays that have one entry; others have one per user."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of one scorer on one stage.

    `users` are the codes of the n users evaluated, ascending. `numerators` and
    `denominators` hold, for every per-user metric such as `"ndcg@10"`, n float64
    values; `pooled` names those of them that are the ratio of the sums, not the mean of
    the ratios; `catalogue` holds the metrics that are one number for all lists.
    `activity` counts each user's history: `train_interactions` (all pairs) and
    `train_positives`. `items` are the lists themselves (n x k, best first, -1 where
    short), where they were kept, and `tied` the share of them whose items all have one
    score, so that their order is that of the items' codes; neither is saved. `class_numerators` and
    `class_denominators` are those of single classes of items (`ItemClasses.names`); a
    denominator is 0 where a user has nothing to be found in the class.
    """

    stage: str
    users: Codes
    numerators: dict[str, Doubles] = field(default_factory=dict)
    denominators: dict[str, Doubles] = field(default_factory=dict)
    catalogue: dict[str, float] = field(default_factory=dict)
    activity: dict[str, Longs] = field(default_factory=dict)
    items: Codes | None = None
    tied: float = 0.0
    pooled: frozenset[str] = frozenset()
    class_numerators: dict[str, Doubles] = field(default_factory=dict)
    class_denominators: dict[str, Doubles] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.users)

    def values(self, metric: str) -> Doubles:
        """Return one value per user, numerator over denominator.

        Raises
        ------
        EvaluationError
            When the metric was not computed or has no value for a single user.
        """
        if metric not in self.numerators:
            choices = ", ".join(self.numerators)
            hint = did_you_mean(metric, self.numerators)
            raise EvaluationError(
                f"stage {self.stage!r} has no per-user values of {metric!r}; it has {choices}{hint}"
            )
        return self.numerators[metric] / self.denominators[metric]

    def mean(self, metric: str, rows: AnyArray | slice = slice(None)) -> float:
        """Return a metric over all users, or over those at `rows` (positions in `users`).

        That is the mean of the users' values or, for a pooled metric, the sum of their
        numerators over the sum of their denominators.
        """
        if metric in self.pooled:
            return float(
                self.numerators[metric][rows].sum() / self.denominators[metric][rows].sum()
            )
        return float(self.values(metric)[rows].mean())

    def contributions(self, metric: str, rows: AnyArray | slice = slice(None)) -> Doubles:
        """Return one number per user whose mean is `mean(metric, rows)`.

        These are the users' values. For a pooled metric p = sum n / sum d they are
        p + (n_u - p d_u) / mean(d), whose standard error is that of the ratio p to first
        order (Cochran 1977, section 6.4), so that intervals and paired tests of means
        hold for it. A bootstrap over users takes `mean` of the rows drawn instead.
        """
        if metric not in self.pooled:
            values: Doubles = self.values(metric)[rows]
            return values
        numerator, denominator = self.numerators[metric][rows], self.denominators[metric][rows]
        pooled = numerator.sum() / denominator.sum()
        linear: Doubles = pooled + (numerator - pooled * denominator) / denominator.mean()
        return linear

    def class_values(self, name: str) -> Doubles:
        """Return one value for each user who has something to be found in the class."""
        some = self.class_denominators[name] > 0
        return self.class_numerators[name][some] / self.class_denominators[name][some]

    def means(self) -> dict[str, float]:
        """Return every metric over all users, the catalogue metrics, and `users`."""
        means = {metric: self.mean(metric) for metric in self.numerators}
        return means | self.catalogue | {"users": float(len(self))}

    def save(self, path: Path) -> None:
        """Write everything but the lists to `path`, an .npz file without pickle.

        The file appears whole or not at all.
        """
        catalogue = {name: np.float64(value) for name, value in self.catalogue.items()}
        parts: dict[str, dict[str, Any]] = {
            "numerator": self.numerators,
            "denominator": self.denominators,
            "catalogue": catalogue,
            "activity": self.activity,
            "pooled": dict.fromkeys(sorted(self.pooled), np.True_),
            "class_numerator": self.class_numerators,
            "class_denominator": self.class_denominators,
        }
        arrays = {
            f"{part}/{name}": array
            for part, named in parts.items()
            for name, array in named.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"stage": np.asarray(self.stage), "users": self.users, **arrays}
        save_arrays(path, whole, compressed=True)

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Read what `save` wrote; DataError for anything else."""
        try:
            arrays = load_arrays(path)
        except DataError as error:
            hint = "`cfexp run` on the study's file writes it again"
            raise DataError(f"{error}; {hint}") from error.__cause__
        users = arrays.get("users", np.empty(0))
        for key in {"stage", "users", *arrays}:
            shape = () if key.startswith(_SINGLE) else (users.size,)
            if key not in arrays or arrays[key].shape != shape:
                raise DataError(f"{path} is no file of per-user metrics: no sound {key!r} in it")
        pooled = frozenset(key.removeprefix("pooled/") for key in arrays if "pooled/" in key)
        evaluation = cls(stage=str(arrays["stage"]), users=users, pooled=pooled)
        parts: dict[str, dict[str, Any]] = {
            "numerator": evaluation.numerators,
            "denominator": evaluation.denominators,
            "activity": evaluation.activity,
            "class_numerator": evaluation.class_numerators,
            "class_denominator": evaluation.class_denominators,
        }
        for key in arrays:
            part, _, name = key.partition("/")
            if part in parts:
                parts[part][name] = arrays[key]
            elif part == "catalogue":
                evaluation.catalogue[name] = float(arrays[key])
        return evaluation
