"""Objectives that are the worst of a group need a `[[buckets]]` that says which groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.worst import WorstBucket, goal_of
from cfexp.errors import InputError, Mistake, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator


def objective_mistakes(document: dict[str, Any]) -> Iterator[Mistake]:
    """Find worst groups without one `[[buckets]]`; what is malformed is skipped."""
    names = document.get("objectives")
    tables = document.get("buckets")
    known = [
        (str(one.get("metric")), str(one.get("by", Buckets.model_fields["by"].default)))
        for one in (tables if isinstance(tables, list) else [])
        if isinstance(one, dict)
    ]
    for index, name in enumerate(names if isinstance(names, list) else []):
        try:
            goal = goal_of(name) if isinstance(name, str) else None
        except InputError:
            continue
        if not isinstance(goal, WorstBucket):
            continue
        count = known.count((str(goal.metric), goal.by))
        if count != 1:
            choices = [f"{metric}:worst:{by}" for metric, by in known]
            yield Mistake(
                f"objectives[{index}]",
                f"{name!r} needs one [[buckets]] with metric = {str(goal.metric)!r} and "
                f"by = {goal.by!r}; there {'is none' if count == 0 else f'are {count}'}"
                f"{did_you_mean(name, choices) if count == 0 else ''}",
            )
