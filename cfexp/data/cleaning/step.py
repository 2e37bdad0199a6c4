"""`Step`: what one rule left of the rows; the steps together are the cleaning report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions

_READ = "rows read"


@dataclass(frozen=True)
class Step:
    """What was done, in words, and how many rows, users and items with rows were left."""

    rule: str
    rows: int
    users: int
    items: int


def stepped(rows: Interactions, rule: str) -> Interactions:
    """Return `rows` with a step that says what was left after `rule`."""
    users, items = (int(np.count_nonzero(np.bincount(codes))) for codes in (rows.user, rows.item))
    return dataclasses.replace(rows, steps=(*rows.steps, Step(rule, len(rows), users, items)))


def begun(rows: Interactions) -> Interactions:
    """Return `rows` with the first step, what reading left, unless they have it."""
    return rows if rows.steps else stepped(rows, _READ)


def report(rows: Interactions) -> list[dict[str, Any]]:
    """Return the cleaning report: one record per rule, in the order of application.

    Each has `rule` (in words), how many rows it `dropped` (none of the rows read; merged
    rows are dropped ones), and the `rows`, `users` and `items` left after it. Users and items
    of rows that were left out when reading are not known: None.
    """
    first, *others = begun(rows).steps
    left = first.rows + sum(rows.dropped.values())
    found: list[dict[str, Any]] = [{"rule": _READ, "dropped": 0, "rows": left}]
    for rule, count in rows.dropped.items():
        left -= count
        found.append({"rule": rule, "dropped": count, "rows": left})
    found = [{**one, "users": None, "items": None} for one in found]
    found[-1] |= {"users": first.users, "items": first.items}
    for step in others:
        found.append({"dropped": left - step.rows, **dataclasses.asdict(step)})
        left = step.rows
    return found
