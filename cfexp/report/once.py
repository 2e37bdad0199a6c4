"""`once`: what follows from a study's record is worked out once, however many ask."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord

_T = TypeVar("_T")


def once(work: Callable[[StudyRecord], _T]) -> Callable[[StudyRecord], _T]:
    """Keep what `work` returned for the last record that was asked about."""
    last: list[tuple[StudyRecord, _T]] = []

    @wraps(work)
    def kept(study: StudyRecord) -> _T:
        if not (last and last[0][0] == study):
            last[:] = [(study, work(study))]
        return last[0][1]

    return kept
