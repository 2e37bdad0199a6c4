"""Slots: which model each trial of a budget tunes, and the values that are fixed for it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.search.spec.spec import StudySpec, Tuned


def slots(spec: StudySpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, for ever or until a grid ends, each slot's model and the values fixed for it.

    Models take turns by their shares; each model's first slots are its default
    configuration, where the space holds it, and its known configurations.
    """
    if not spec.models:
        return
    queues = {
        entry.label: _fixed(entry, grid=spec.search.sampler.kind == "grid") for entry in spec.models
    }
    taken = dict.fromkeys(queues, 0)
    while queues:
        entries = [entry for entry in spec.models if entry.label in queues]
        entry = min(entries, key=lambda one: (taken[one.label] + 1) / one.share)
        taken[entry.label] += 1
        try:
            yield entry.label, next(queues[entry.label])
        except StopIteration:
            del queues[entry.label]


def _fixed(entry: Tuned, *, grid: bool) -> Iterator[dict[str, Any]]:
    if grid:
        values = [ranges.grid() or [] for ranges in entry.space.values()]
        yield from (
            dict(zip(entry.space, point, strict=True)) for point in itertools.product(*values)
        )
        return
    default = {name: getattr(entry.model, name) for name in entry.space}
    if all(entry.space[name].contains(value) for name, value in default.items()):
        yield default
    yield from entry.start
    yield from itertools.repeat({})
