"""Every error that cfexp raises on purpose.

::

    CfexpError                  exit code 1
    ├── InputError              exit code 2: the user's input is wrong
    │   ├── StudyFileError      the study file (lists every mistake at once)
    │   ├── DataError           the rows, their columns, their values
    │   ├── SplitError          no split with these settings on these rows
    │   ├── EvaluationError     nothing to measure, or history and target overlap
    │   ├── StudyConflictError  a stored study does not match this one, or is in use
    │   └── ModelFileError      a saved model that is damaged or foreign
    ├── TrainingError           a model whose numbers ceased to be numbers
    ├── WorkerError             a computing process died or ran out of memory
    ├── DownloadError           a data set did not come, or is not what was published
    ├── TrackingError           MLflow could not be reached or written
    ├── StorageError            a full disk, a lock, a shared database that went away
    └── BenchmarkError          a measurement failed, or would compare unlike things

A message states the rule, the value received and the valid choices, and ends in
a hint where there is one.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 100
"""How many mistakes of one file a message lists."""


class CfexpError(Exception):
    """Base of all errors raised on purpose; `exit_code` is the command's."""

    exit_code = 1


class InputError(CfexpError):
    """The user's input is wrong; nothing was written."""

    exit_code = 2


class DataError(InputError):
    """Rows that cannot be read or break a rule."""


class SplitError(InputError):
    """A split that these rows do not allow."""


class EvaluationError(InputError):
    """Nothing to measure, or a history that contains what is to be predicted."""


class StudyConflictError(InputError):
    """The store holds another study under this name, or the study is in use."""


class ModelFileError(InputError):
    """A saved model that is damaged, of another version, or not a model."""


class TrainingError(CfexpError):
    """Training diverged: the loss or the factors are not finite."""


class WorkerError(CfexpError):
    """A computing process ended without an answer."""


class DownloadError(CfexpError):
    """A data set could not be downloaded, or is not what its publisher published."""


class TrackingError(CfexpError):
    """MLflow could not be reached or written."""


class StorageError(CfexpError):
    """What is known of studies cannot be written: a full disk, a lock, a database that went away.

    Everything finished is kept; the study can be resumed.
    """


class BenchmarkError(CfexpError):
    """A measurement failed, or would compare unlike things."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a study file: where it is, what is wrong, what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class StudyFileError(InputError):
    """A study file with one or more mistakes: all in `mistakes`, the first 100 in words."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        head = f"{file}: {count} mistake{'s' if count != 1 else ''}"
        lines = [f"  {mistake}" for mistake in self.mistakes[:_SHOWN]]
        more = [f"  and {count - _SHOWN:,} more"] if count > _SHOWN else []
        super().__init__("\n".join([head, *lines, *more]))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` when another choice is close to `word`, else `""`."""
    close = difflib.get_close_matches(word, [one for one in choices if one != word], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
