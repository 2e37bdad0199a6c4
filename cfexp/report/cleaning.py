"""The cleaning report: what every rule dropped, and what was left after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from cfexp.search.store.record import StudyRecord

COLUMNS = ("rule", "dropped", "rows", "users", "items")


def cleaning_frame(study: StudyRecord) -> pd.DataFrame:
    """Return one row per rule, in the order of application; none where no rule applied."""
    import pandas as pd

    steps = study.data.get("cleaning", [])
    frame = pd.DataFrame(steps if len(steps) > 1 else [], columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(COLUMNS[1:], "Int64"))


def cleaning_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return a line for the rows read and one for every rule; none where no rule applied.

    >>> read = {"rule": "rows read", "rows": 10}
    >>> cleaning_lines({"cleaning": [read, {"rule": "item missing", "dropped": 1, "rows": 9}]})
    ['rows read: 10', 'dropped 1 row (10.0%): item missing']
    >>> cleaning_lines({"cleaning": [read]})
    []
    """
    steps = facts.get("cleaning", [])
    if len(steps) < 2:  # noqa: PLR2004 - nothing but what was read
        return []
    read = steps[0]["rows"]
    return [
        f"rows read: {read:,}",
        *(f"{dropped(step['dropped'], read)}: {step['rule']}" for step in steps[1:]),
    ]


def dropped(count: int, read: int) -> str:
    """Return how many rows were dropped, and which share of those read.

    >>> dropped(0, 10), dropped(1234, 2468)
    ('dropped no row', 'dropped 1,234 rows (50.0%)')
    """
    if count == 0:
        return "dropped no row"
    return f"dropped {count:,} row{'s' if count > 1 else ''} ({count / read:.1%})"
