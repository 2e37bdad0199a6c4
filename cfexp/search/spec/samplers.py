"""How the next configuration is chosen, and when a hopeless one is given up."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler


class TPE(Recipe):
    """Tree-structured Parzen estimator, each parameter on its own (Bergstra et al. 2011)."""

    kind: Literal["tpe"] = "tpe"
    startup: Annotated[int, Field(ge=1)] = 10
    """Trials drawn at random before the estimator is used."""

    def sampler(self, seed: int, *, parallel: bool) -> BaseSampler:
        """Return the sampler of one trial; `parallel` keeps workers off each other's points."""
        from optuna.samplers import TPESampler

        return TPESampler(
            n_startup_trials=self.startup,
            multivariate=False,
            constant_liar=parallel,
            seed=seed,
        )


class RandomSearch(Recipe):
    """Every trial is drawn at random."""

    kind: Literal["random"] = "random"

    def sampler(self, seed: int, *, parallel: bool) -> BaseSampler:  # noqa: ARG002
        """Return the sampler of one trial."""
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=seed)


class Grid(Recipe):
    """Every combination once, in the order of the file; ranges need `step` or `values`."""

    kind: Literal["grid"] = "grid"

    def sampler(self, seed: int, *, parallel: bool) -> BaseSampler:
        """Return the sampler of one trial; unused, since every trial's values are fixed."""
        return RandomSearch().sampler(seed, parallel=parallel)


class GP(Recipe):
    """Gaussian process; the best sampler for a few dozen trials, but it needs torch."""

    kind: Literal["gp"] = "gp"
    startup: Annotated[int, Field(ge=1)] = 10
    """Trials drawn at random before the process is used."""

    def sampler(self, seed: int, *, parallel: bool) -> BaseSampler:  # noqa: ARG002
        """Return the sampler of one trial."""
        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import GPSampler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return GPSampler(
                n_startup_trials=self.startup, deterministic_objective=False, seed=seed
            )

    @staticmethod
    def available() -> bool:
        """Return whether torch is installed."""
        return importlib.util.find_spec("torch") is not None


AnySampler = Annotated[TPE | RandomSearch | Grid | GP, Field(discriminator="kind")]


class NoPruner(Recipe):
    """Every trial runs to its last epoch."""

    kind: Literal["none"] = "none"

    def pruner(self) -> BasePruner:
        """Return Optuna's pruner."""
        from optuna.pruners import NopPruner

        return NopPruner()


class Median(Recipe):
    """Give up a trial whose best epoch so far is below the median of the earlier trials."""

    kind: Literal["median"] = "median"
    startup: Annotated[int, Field(ge=1)] = 5
    """Completed trials before any is given up."""
    warmup: Annotated[int, Field(ge=0)] = 2
    """Epochs that every trial is granted."""

    def pruner(self) -> BasePruner:
        """Return Optuna's pruner."""
        from optuna.pruners import MedianPruner

        return MedianPruner(n_startup_trials=self.startup, n_warmup_steps=self.warmup)


class Halving(Recipe):
    """Asynchronous successive halving: only the best 1/`reduction` go on at each rung."""

    kind: Literal["halving"] = "halving"
    first: Annotated[int, Field(ge=1)] = 2
    """Epochs of the first rung."""
    reduction: Annotated[int, Field(ge=2)] = 3
    """How many trials compete for one place on the next rung."""

    def pruner(self) -> BasePruner:
        """Return Optuna's pruner."""
        from optuna.pruners import SuccessiveHalvingPruner

        return SuccessiveHalvingPruner(min_resource=self.first, reduction_factor=self.reduction)


AnyPruner = Annotated[NoPruner | Median | Halving, Field(discriminator="kind")]
