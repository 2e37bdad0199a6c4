"""What was read, what was dropped, what was held out, and what to think of before believing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.report.html.markup import Html, bullets, joined, table, tag
from cfexp.splits.futures import future_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cfexp.search.record import StudyRecord

_FEW = 0.5
"""A test of fewer of the users than this share says little of the others."""


def data_and_split(study: StudyRecord) -> Html:
    """Return the facts of data and split side by side, doubts first."""
    if not (study.data or study.split):
        return tag("p", "The study keeps no facts of its data.")
    doubts = list(_doubts(study))
    warned = [bullets(doubts, class_="warnings")] if doubts else []
    split = dict(sorted(study.split.items(), key=lambda fact: fact[0] == "settings"))
    columns = [
        joined(tag("h3", "Data"), _table({**_plain(study.data), **_nested(study.data)})),
        joined(tag("h3", "Split"), _table({**_plain(split), **_nested(split)})),
    ]
    return joined(*warned, tag("div", *(tag("div", one) for one in columns), class_="side"))


def _doubts(study: StudyRecord) -> Iterable[str]:
    futures = future_words(study.split)
    if futures:
        yield futures
    rows = study.data.get("rows")
    for facts, by in ((study.data, "reading"), (study.split, "the split")):
        dropped = facts.get("dropped") or {}
        gone = sum(dropped.values()) if facts is study.data else 0  # these are not among the rows
        for rule, count in dropped.items():
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
