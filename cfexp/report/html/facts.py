"""What was read, what was dropped, what was held out, and what to think of before believing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.report.cleaning import COLUMNS, dropped
from cfexp.report.html.markup import Html, bullets, joined, table, tag
from cfexp.splits.futures import future_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cfexp.search.store.record import StudyRecord

_APART = ("cleaning", "notes")
"""Facts of the data that are no numbers beside others."""
_FEW = 0.5
"""A test of fewer of the users than this share says little of the others."""


def data_and_split(study: StudyRecord) -> Html:
    """Return the facts of data and split side by side, doubts first."""
    if not (study.data or study.split):
        return tag("p", "The study keeps no facts of its data.")
    doubts = list(_doubts(study))
    warned = [bullets(doubts, class_="warnings")] if doubts else []
    split = dict(sorted(study.split.items(), key=lambda fact: fact[0] == "settings"))
    data = {name: one for name, one in study.data.items() if name not in _APART}
    if "cleaning" in study.data:
        data.pop("dropped", None)  # of which the table of cleaning says more
    columns = [
        joined(tag("h3", "Data"), _table({**_plain(data), **_nested(data)})),
        joined(tag("h3", "Split"), _table({**_plain(split), **_nested(split)})),
    ]
    side = tag("div", *(tag("div", one) for one in columns), class_="side")
    return joined(*warned, side, _cleaning(study))


def _cleaning(study: StudyRecord) -> Html:
    """Return what every rule dropped, in their order, and what was left; nothing without rules."""
    steps = study.data.get("cleaning", [])
    if len(steps) < 2:  # noqa: PLR2004 - nothing but what was read
        return joined()
    head = ["", "dropped", "", "rows left", "users", "items"]
    rows = [
        [
            step["rule"],
            f"{step['dropped']:,}" if place else "",
            f"{step['dropped'] / max(steps[0]['rows'], 1):.2%}" if place else "",
            *("" if step[name] is None else f"{step[name]:,}" for name in COLUMNS[2:]),
        ]
        for place, step in enumerate(steps)
    ]
    return joined(tag("h3", "Cleaning"), table(head, rows, align="lrrrrr"))


def _doubts(study: StudyRecord) -> Iterable[str]:
    futures = future_words(study.split)
    if futures:
        yield futures
    rows = study.data.get("rows")
    yield from study.data.get("notes", ())
    steps = study.data.get("cleaning", [])
    if gone := sum(step["dropped"] for step in steps):
        yield f"Cleaning {dropped(gone, steps[0]['rows'])}; the table below says by which rule."
    reading = {} if steps else study.data  # of an older version
    for facts, by in ((reading, "reading"), (study.split, "the split")):
        rules = facts.get("dropped") or {}
        gone = sum(rules.values()) if facts is study.data else 0  # not among the rows
        for rule, count in rules.items():
            if count:
                share = f" ({count / (rows + gone):.1%})" if isinstance(rows, int) else ""
                yield f"{count:,} rows{share} were dropped by {by}: {rule}."
    users = study.data.get("users")
    tested = (study.split.get("users_evaluated") or {}).get("test")
    if isinstance(users, int) and isinstance(tested, int) and tested < _FEW * users:
        yield f"{tested:,} of {users:,} users are evaluated on test; the others are not."


def _plain(facts: Mapping[str, Any]) -> dict[str, object]:
    return {name: one for name, one in facts.items() if not isinstance(one, dict)}


def _nested(facts: Mapping[str, Any]) -> dict[str, object]:
    return {
        f"{name}: {part}": inner
        for name, one in facts.items()
        if isinstance(one, dict)
        for part, inner in one.items()
    }


def _table(facts: Mapping[str, object]) -> Html:
    rows = [(name.replace("_", " "), _shown(name, one)) for name, one in facts.items()]
    return table([], rows, align="lr")


def _shown(name: str, one: object) -> str:
    if one is None:
        return "none"
    if isinstance(one, bool):
        return "yes" if one else "no"
    if isinstance(one, int):
        return f"{one:,}"
    if isinstance(one, float):
        return f"{one:.2%}" if name in {"density", "future_share"} else f"{one:g}"
    return ", ".join(map(str, one)) if isinstance(one, list | tuple) else str(one)
