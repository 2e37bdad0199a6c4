"""Ranges that a study file declares for a model's fields, and what Optuna makes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, cast

from pydantic import AfterValidator, Field, model_validator

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

_EXACT = 2**53  # up to here a float holds every whole number
_ROUNDING = 1e-9  # of a number of steps
Value: TypeAlias = bool | int | float | str


def _exact(value: int) -> int:
    if abs(value) > _EXACT:
        raise ValueError(f"must lie within ±{_EXACT}")
    return value


class Range(Recipe, ABC):
    """The values that one field of a model may take in a study."""

    @abstractmethod
    def suggest(self, trial: Trial, name: str) -> Value:
        """Ask `trial` for a value under `name`."""

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """Return Optuna's distribution for this range."""

    @abstractmethod
    def extremes(self) -> list[Value]:
        """Return the values that must be valid for every value of the range to be."""

    @abstractmethod
    def grid(self) -> list[Value] | None:
        """Return every value, or None where they cannot be listed."""

    def contains(self, value: Value) -> bool:
        """Return whether the range holds `value`."""
        distribution = self.distribution()
        try:
            return bool(distribution._contains(distribution.to_internal_repr(value)))  # noqa: SLF001
        except (TypeError, ValueError):
            return False


class _Interval(Range):
    log: bool = False
    """Sample the logarithm uniformly; `low` must be above 0."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high, step = (getattr(self, name) for name in ("low", "high", "step"))
        if low > high:
            raise ValueError(f"low = {low} must not be above high = {high}")
        if self.log and low <= 0:
            raise ValueError(f"log = true needs low > 0, not {low}")
        if self.log and step is not None:
            raise ValueError("log = true and step exclude each other")
        if step is not None and abs((steps := (high - low) / step) - round(steps)) > _ROUNDING:
            raise ValueError(f"high = {high} must be low = {low} plus a multiple of step = {step}")
        return self

    def extremes(self) -> list[Value]:
        return [getattr(self, "low"), getattr(self, "high")]  # noqa: B009 - fields of subclasses

    def grid(self) -> list[Value] | None:
        low, high, step = (getattr(self, name) for name in ("low", "high", "step"))
        if step is None:
            return None
        points = round((high - low) / step)
        inner = [type(low)(f"{low + i * step:.12g}") for i in range(points)]
        return [*inner, high]


class IntRange(_Interval):
    """Whole numbers from `low` to `high`, both included."""

    kind: Literal["int"] = "int"
    low: Annotated[int, AfterValidator(_exact)]
    """Smallest value."""
    high: Annotated[int, AfterValidator(_exact)]
    """Largest value."""
    step: Annotated[int, Field(ge=1)] | None = None
    """Distance between values; left out: 1 (a grid needs it written)."""

    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_int(name, self.low, self.high, step=self.step or 1, log=self.log)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, step=self.step or 1, log=self.log)


class FloatRange(_Interval):
    """Numbers from `low` to `high`, both included."""

    kind: Literal["float"] = "float"
    low: float
    """Smallest value."""
    high: float
    """Largest value."""
    step: Annotated[float, Field(gt=0)] | None = None
    """Distance between values; left out: any value."""

    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, step=self.step, log=self.log)


class Choice(Range):
    """One of a list of values."""

    kind: Literal["choice"] = "choice"
    values: Annotated[tuple[Value, ...], Field(min_length=1)]
    """The values to choose from."""

    def suggest(self, trial: Trial, name: str) -> Value:
        return cast("Value", trial.suggest_categorical(name, self.values))

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def extremes(self) -> list[Value]:
        return list(self.values)

    def grid(self) -> list[Value] | None:
        return list(self.values)


AnyRange = Annotated[IntRange | FloatRange | Choice, Field(discriminator="kind")]
