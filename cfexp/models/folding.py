"""Histories given by original ids, as scorers take them: how users are folded in.

A history passes through the rule that made the training data, so that the rows that a
user had there give the very scores that the user has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.data.interactions import Interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes, Longs, Matrix
    from cfexp.data.feedback import Feedback
    from cfexp.data.positives import Positives

_NAMED = 3


@dataclass(frozen=True, eq=False)
class Histories:
    """One row per history: the positives to score from, and ones at all that was seen."""

    positives: Positives
    seen: Matrix

    def __getitem__(self, rows: Longs) -> Histories:
        return Histories(self.positives[rows], self.seen[rows])


def histories_of(
    lists: Sequence[Sequence[Any]],
    items: Vocabulary,
    feedback: Feedback,
    *,
    values: Sequence[Sequence[float] | None] | None = None,
    times: Sequence[Sequence[Any] | None] | None = None,
    owners: Sequence[Any] | None = None,
) -> Histories:
    """Return lists of item ids, oldest first, as matrices of users x items.

    Items not in the vocabulary are left out. `values` and `times` have one entry per item;
    a list without values holds positives, 1 each or the least that counts as one. `owners`
    is who errors name.

    Raises
    ------
    DataError
        When of a list nothing is left, or its values or times do not fit it.
    """
    for name, given in (("users", owners), ("values", values), ("times", times)):
        if given is not None and len(given) != len(lists):
            raise DataError(f"{len(lists)} histories and {len(given)} entries of {name}")
    whose = [_whose(owners, place) for place in range(len(lists))]
    for one, name in zip(lists, whose, strict=True):
        if isinstance(one, str) or not isinstance(one, Sequence | np.ndarray):
            raise DataError(f"{name} is not a list of item ids, but {one!r}")
    lengths = [len(one) for one in lists]
    row = np.repeat(np.arange(len(lists), dtype=np.int32), lengths)
    ids = np.empty(len(row), object)
    ids[:] = [one for history in lists for one in history]
    try:
        code = items.codes(ids)
    except TypeError as error:
        raise DataError(f"a history is a list of item ids, oldest first: {error}") from error
    known = code >= 0
    _refuse_empty(np.bincount(row[known], minlength=len(lists)), row, ids, items, whose)
    least = max(1.0, feedback.positive_from or 1.0)
    value = _aligned("values", values, lengths, whose, least)
    rows = Interactions(
        user=row[known],
        item=code[known],
        value=_numbers(value)[known],
        time=_times(_aligned("times", times, lengths, whose, None), known),
        row=np.flatnonzero(known),
        users=Vocabulary(np.arange(len(lists))),
        items=items,
    )
    positives = feedback.positives(rows)
    for place in np.flatnonzero(np.diff(positives.indptr) == 0):
        rule = "above 0" if feedback.positive_from is None else f">= {feedback.positive_from:g}"
        raise DataError(f"{whose[place]} holds no positive (a value {rule}), so it says nothing")
    return Histories(positives, feedback.seen(rows))


def some(ids: Sequence[Any]) -> str:
    """Return the first few of some ids, as errors name them."""
    named = ", ".join(map(repr, ids[:_NAMED]))
    return f"{named}, ..." if len(ids) > _NAMED else named


def _whose(owners: Sequence[Any] | None, place: int) -> str:
    owner = None if owners is None else owners[place]
    return f"history {place + 1}" if owner is None else f"the history of user {owner!r}"


def _refuse_empty(
    left: Longs, row: Codes, ids: AnyArray, items: Vocabulary, whose: list[str]
) -> None:
    for place in np.flatnonzero(left == 0):
        given = ids[row == place].tolist()
        if not given:
            raise DataError(f"{whose[place]} is empty, so it says nothing")
        kind = "numbers" if items.ids.dtype.kind in "iu" else "text"
        raise DataError(
            f"{whose[place]} holds no item that the model knows: {some(given)}; the "
            f"{len(items):,} ids that it knows are {kind}, such as {items.ids[:1].tolist()[0]!r}"
        )


def _aligned(
    name: str,
    given: Sequence[Sequence[Any] | None] | None,
    lengths: list[int],
    whose: list[str],
    default: Any,  # noqa: ANN401 - a number, or None
) -> list[Any]:
    """Return one entry per item of all lists, `default` for lists that were given none."""
    flat: list[Any] = []
    for place, length in enumerate(lengths):
        own = None if given is None else given[place]
        own = [default] * length if own is None else list(own)
        if len(own) != length:
            raise DataError(f"{whose[place]} has {length} items and {len(own)} {name}")
        flat += own
    return flat


def _numbers(values: list[Any]) -> AnyArray:
    try:
        numbers = np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"the values of a history are numbers: {error}") from error
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(wrong):
        raise DataError(
            f"the values of a history are finite and not negative, not {values[wrong[0]]!r}"
        )
    return numbers


def _times(times: list[Any], known: AnyArray) -> Longs | None:
    """Return microseconds since 1970 of the items known; None where there are no times."""
    given = [one is not None for one in times]
    if not any(given):
        return None
    if not all(given):
        raise DataError("give the times of every item of every history, or of none")
    import pyarrow as pa

    from cfexp.data.rows.times import microseconds

    try:
        found = microseconds(pa.chunked_array([times]), "auto")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"times are seconds since 1970 or ISO 8601: {error}") from error
    wrong = np.flatnonzero(found.unreadable | found.implausible)
    if len(wrong):
        raise DataError(f"times are seconds since 1970 or ISO 8601, not {times[wrong[0]]!r}")
    return found.times[known]
