"""`suggest`: a split and thresholds for a log, by rules that are stated with what they gave.

They are where to begin, not what is right: which future a model will have to predict, only
its user knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.errors import SplitError
from cfexp.splits.cleaning import core

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cfexp.analysis.describe import Description
    from cfexp.data.interactions import Interactions

_MOST_POSITIVE = 0.6  # of the rows of ratings
_HIGHEST_RATING = 10
_KEPT = 0.9  # of the rows, by a core
_CORES = (5, 2)
_REPEATS = 0.1  # of the rows, from which on they are what is to be predicted
_SITTING = 0.2  # of the rows
_COLD = 0.1  # of what a split in time holds out
_MOST_TEST = 5
_SHORTEST = 3  # rows of a user who is evaluated
_LARGE = 100  # a value


@dataclass(frozen=True)
class Suggestion:
    """Tables of a study file, why, and what to beware of."""

    split: dict[str, Any]
    feedback: dict[str, Any]
    mask: str
    als: dict[str, Any]
    """What ALS is to be given besides its epochs."""
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def suggest(rows: Interactions, found: Description) -> Suggestion:
    """Return a split and thresholds for `rows`, of which `found` is the description."""
    reasons: list[str] = []
    feedback = _feedback(found, reasons)
    split = _split(rows, found, reasons)
    mask = "interacted"
    if found.repeat_rate >= _REPEATS:
        mask = "none"
        reasons.append(
            f"mask = none: {found.repeat_rate:.1%} of the rows repeat a pair (from {_REPEATS:.0%} "
            "on), so repeats are predicted too; novel_only = true predicts what is new alone"
        )
    elif found.repeat_rate:
        split["novel_only"] = True
        reasons.append(
            f"novel_only = true: {found.repeat_rate:.1%} of the rows repeat a pair, too few to "
            "be what is predicted"
        )
    als = {}
    if found.values.high >= _LARGE:
        als["confidence"] = "log"
        reasons.append(
            f'confidence = "log": values reach {found.values.high:,.9g} (from {_LARGE} on); as '
            "they are, the largest would outweigh all others"
        )
    return Suggestion(split, feedback, mask, als, tuple(reasons), (*rows.notes, *_warnings(found)))


def _feedback(found: Description, reasons: list[str]) -> dict[str, Any]:
    values = found.values
    if values.shares and values.distinct > 1 and values.high <= _HIGHEST_RATING:
        for value, _ in values.shares:
            share = sum(part for one, part in values.shares if one >= value)
            if value > 0 and share <= _MOST_POSITIVE:
                reasons.append(
                    f"positive_from = {value:g}: values up to {values.high:g} look like ratings; "
                    f"this is the lowest that at most {_MOST_POSITIVE:.0%} of the rows reach "
                    f"({share:.0%} do)"
                )
                return {"positive_from": value, "values": "ones"}
    if found.repeat_rate:
        reasons.append("duplicates = sum: a pair's rows are events, and their values are added")
        return {"duplicates": "sum"}
    return {}


def _split(rows: Interactions, found: Description, reasons: list[str]) -> dict[str, Any]:
    middle = found.activity.quantiles["0.5"]
    test = int(np.clip(round(0.1 * middle), 1, _MOST_TEST))
    kind, why = "per_user_last", "the newest rows are held out"
    if found.times is None or found.times.distinct == 1:
        none = found.times is None
        kind, why = "random_per_user", "there are no times" if none else "all times are one"
    split: dict[str, Any] = {"kind": kind, "test": test, "validation": max(1, test // 2)}
    split["min_train"] = 5 if middle >= 5 + 2 * test else 1
    reasons.append(
        f"{kind}: {why}; test = {test}: a tenth of the {middle:g} rows of a user in the middle, "
        f"from 1 to {_MOST_TEST}"
    )
    for least in _CORES:
        try:
            left = float(core(rows, least, least).mean())
        except SplitError:
            continue
        if left >= _KEPT:
            split |= {"min_user": least, "min_item": least}
            reasons.append(
                f"min_user = min_item = {least}: the first of {_CORES} that keeps {_KEPT:.0%} of "
                f"the rows (it keeps {left:.1%})"
            )
            break
    return split


def _warnings(found: Description) -> list[str]:
    times, words = found.times, []
    if found.activity.quantiles["1"] < _SHORTEST:
        words.append(
            f"No user has {_SHORTEST} rows, one each to learn from, to validate and to test: the "
            "study below holds nothing out."
        )
    if times is None:
        words.append(
            "There are no times: nothing can be said of the future, and models see all of it."
        )
        return words
    if times.together >= _SITTING:
        words.append(
            f"{times.together:.0%} of the rows share their moment with another row of their user: "
            "they came in one sitting, and a user's last rows are partly known from the same one."
        )
    for cut in times.cuts[:1]:
        if max(cut.items, cut.users, cut.rows) < _COLD:
            continue
        words.append(
            f"A split at one moment (by_time), {cut.begins}, holds out {cut.held_out:.0%} of the "
            f"rows; {cut.items:.1%} of their items and {cut.users:.1%} of their users would be new."
        )
        if cut.rows >= _COLD:
            words.append(
                f"{cut.rows:.0%} of those rows are of items that no model here could know: mind "
                'cold_items = "drop".'
            )
    return words


def study_toml(
    name: str,
    data: Mapping[str, Any],
    suggestion: Suggestion,
    clean: Iterable[Mapping[str, Any]] = (),
) -> str:
    """Return a study file that can be run: popularity, item-kNN and 20 trials of ALS.

    `data` and `clean` are what reads and cleans the rows that the suggestion is of.
    """
    masked = {} if suggestion.mask == "interacted" else {"mask": suggestion.mask}
    parts = [
        _lines({"name": name, "objectives": ["ndcg@10"], "metrics": ["recall@20", "coverage@10"]}),
        "[data]\n" + _lines(data),
        *("[[clean]]\n" + _lines(rule) for rule in clean),
        *(["[feedback]\n" + _lines(suggestion.feedback)] if suggestion.feedback else []),
        "[split]\n" + _lines(suggestion.split),
        "[search]\n" + _lines({"trials": 20}),
        "[[models]]\n"
        + _lines({"model": {"kind": "als", "epochs": 15, **suggestion.als}, **masked})
        + "\n[models.space]\n"
        + _lines(
            {
                "factors": {"kind": "int", "low": 8, "high": 128, "log": True},
                "alpha": {"kind": "float", "low": 0.1, "high": 40.0, "log": True},
                "regularization": {"kind": "float", "low": 0.001, "high": 100.0, "log": True},
            }
        ),
        *(
            "[[baselines]]\n" + _lines({"model": {"kind": kind}, **masked})
            for kind in ("popularity", "item_knn")
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _lines(table: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {_toml(one)}" for key, one in table.items())


def _toml(one: Any) -> str:  # noqa: ANN401 - what recipes hold
    """Return a value as TOML writes it.

    >>> _toml({"path": "a.csv", "header": True, "positions": [1, 2.5]})
    '{ path = "a.csv", header = true, positions = [1, 2.5] }'
    """
    if isinstance(one, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(inner)}' for key, inner in one.items())} }}"
    if isinstance(one, list | tuple):
        return f"[{', '.join(map(_toml, one))}]"
    return json.dumps(one, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
