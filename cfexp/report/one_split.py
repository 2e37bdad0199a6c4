"""Numbers may be compared that were measured on one split; else this says what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cfexp.errors import StudyConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Measured(Protocol):
    """What was measured: a study, or what is remembered of one."""

    @property
    def name(self) -> str:
        """The study's name."""

    @property
    def fingerprint(self) -> str:
        """A hash of its rows and its split."""

    @property
    def spec(self) -> dict[str, Any]:
        """Its file: of that `data`, `split` and `feedback`."""

    @property
    def data(self) -> dict[str, Any]:
        """What was read: `rows`, `users` and `items`."""


def refuse_others(studies: Sequence[Measured]) -> None:
    """Raise a StudyConflictError, saying what differs, unless all have one split.

    What is to be found must be the same: rows, split, and which of them are positives.
    """
    first = studies[0]
    for other in studies[1:]:
        lines = []
        if other.fingerprint != first.fingerprint:
            lines = _differences(first, other, "split") + _facts(first, other)
            lines = lines or ["the rows, or their order, differ, though as many were read"]
            lines += _differences(first, other, "data")
        lines += _feedback(first, other)
        if lines:
            raise StudyConflictError(
                f"studies {first.name!r} and {other.name!r} were not measured on one split, so "
                "their numbers cannot be compared:\n" + "\n".join(f"  {line}" for line in lines)
            )


def _differences(first: Measured, other: Measured, part: str) -> list[str]:
    ours, theirs = (dict(_flat(study.spec.get(part, {}), part)) for study in (first, other))
    return [
        f"{path}: {ours.get(path)!r} in {first.name}, {theirs.get(path)!r} in {other.name}"
        for path in dict.fromkeys([*ours, *theirs])
        if ours.get(path) != theirs.get(path)
    ]


def _facts(first: Measured, other: Measured) -> list[str]:
    return [
        f"{name} read: {first.data[name]:,} in {first.name}, {other.data[name]:,} in {other.name}"
        for name in ("rows", "users", "items")
        if name in first.data and name in other.data and first.data[name] != other.data[name]
    ]


def _feedback(first: Measured, other: Measured) -> list[str]:
    """Return what makes other pairs positive; what a model sees of them may differ."""
    rules = [study.spec.get("feedback", {}) for study in (first, other)]
    return [
        f"feedback.{name}: {rules[0].get(name)!r} in {first.name}, "
        f"{rules[1].get(name)!r} in {other.name}"
        for name in ("positive_from", "duplicates")
        if rules[0].get(name) != rules[1].get(name)
    ]


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:  # noqa: ANN401 - any nested record
    if not isinstance(value, dict):
        return [(path, value)]
    return [line for name, one in value.items() for line in _flat(one, f"{path}.{name}")]
