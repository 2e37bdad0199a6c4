"""`Stage` and `Split`: which rows are fitted, which are history, which are held out.

A split speaks of rows; `Stage.view(feedback)` turns a stage into the matrices that
models and metrics work on (`StageData`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.training import TrainingData
from cfexp.errors import SplitError
from cfexp.splits.invariants import check_stages
from cfexp.splits.stage_data import StageData

if TYPE_CHECKING:
    from cfexp.arrays import Mask
    from cfexp.data.feedback import Feedback
    from cfexp.data.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Stage:
    """One fit and the reading that follows it.

    `fit`: the rows that a model is trained on; `history`: the rows that are a user's
    past when they are scored (and that a mask may hide); `held_out`: the rows to be
    predicted, positive or not. With `strangers`, users may be held out who have no history.
    `candidates` are the items that may be recommended; left out: those of the fitted rows.
    """

    name: str
    fit: Interactions
    history: Interactions
    held_out: Interactions
    strangers: bool = False
    candidates: Mask | None = None

    def __post_init__(self) -> None:
        for part, rows in self.past().items():
            if (shared := np.isin(self.held_out.row, rows.row)).any():
                raise SplitError(
                    f"stage {self.name!r}: {shared.sum()} rows are both in {part} and held out, "
                    f"the first at position {self.held_out.row[shared][0]}"
                )
        if len(self.held_out) == 0:
            raise SplitError(f"stage {self.name!r} holds out no rows")
        unknown = self.history.user_lengths[self.held_out.user] == 0
        strangers = np.unique(self.held_out.user[unknown])
        if len(strangers) and not self.strangers:
            raise SplitError(
                f"stage {self.name!r}: {len(strangers)} held-out users have no history"
            )

    def past(self) -> dict[str, Interactions]:
        """Return the rows that are not to be predicted, each once: `fit`, and another `history`."""
        same = self.history is self.fit
        return {"fit": self.fit} | ({} if same else {"history": self.history})

    def view(self, feedback: Feedback) -> StageData:
        """Return the stage's matrices under `feedback`."""
        return _Viewer(feedback).view(self)


class _Viewer:
    """Makes each matrix once: stages that share rows share matrices and training data."""

    def __init__(self, feedback: Feedback) -> None:
        self.feedback = feedback
        self.matrices = cache(feedback.matrices)
        self.training = cache(self._training)

    def _training(self, rows: Interactions) -> TrainingData:
        positives, _ = self.matrices(rows)
        if rows.item_features is None:
            return TrainingData(positives)
        learnt = TrainingData(positives).item_counts > 0
        return TrainingData(positives, rows.item_features.among(learnt))

    def view(self, stage: Stage) -> StageData:
        """Return the stage's matrices."""
        relevant = self.feedback.positives(stage.held_out).matrix
        relevant.data[:] = 1
        if relevant.nnz == 0:
            raise SplitError(
                f"stage {stage.name!r}: none of the {len(stage.held_out)} held-out rows is a "
                f"positive under [feedback] positive_from = {self.feedback.positive_from}"
            )
        history, seen = self.matrices(stage.history)
        return StageData(
            name=stage.name,
            training=self.training(stage.fit),
            history=history,
            seen=seen,
            relevant=relevant,
            candidates=stage.fit.occurring if stage.candidates is None else stage.candidates,
        )


@dataclass(frozen=True, eq=False)
class Split:
    """Validation stages (one or more, none when nothing is searched) and one test stage.

    `rows` names the parts and their row counts, for people. `settings` is the recipe
    that made the split, as plain values; with the rows it makes the `fingerprint`.
    `dropped` counts the rows that each option of the split left out.
    """

    validation: tuple[Stage, ...]
    test: Stage
    rows: dict[str, int]
    settings: dict[str, object]
    dropped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_stages(self.validation, self.test)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Validation stages, then test."""
        return (*self.validation, self.test)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the data, of every stage's rows and of the settings."""
        return self._digest(json.dumps(self.settings, sort_keys=True))

    @property
    def rows_fingerprint(self) -> str:
        """Likewise without the settings, so that one which is new to cfexp changes nothing."""
        return self._digest("")

    def _digest(self, settings: str) -> str:
        digest = hashlib.blake2b(settings.encode(), digest_size=16)
        for stage in self.stages:
            for rows in (stage.fit, stage.history, stage.held_out):
                digest.update(rows.fingerprint.encode())
            if stage.candidates is not None:
                digest.update(stage.candidates.tobytes())
        return digest.hexdigest()

    def view(self, feedback: Feedback) -> dict[str, StageData]:
        """Return the matrices of every stage by name, shared where the rows are the same."""
        viewer = _Viewer(feedback)
        return {stage.name: viewer.view(stage) for stage in self.stages}
