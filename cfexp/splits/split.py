"""`Stage` and `Split`: which rows are fitted, which are history, which are held out.

A split speaks of rows; `Stage.view(feedback)` turns a stage into the matrices that
models and metrics work on (`StageData`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.arrays import in_common
from cfexp.data.training import Positives, TrainingData
from cfexp.errors import SplitError
from cfexp.splits.invariants import check_stages
from cfexp.splits.stage_users import StageUsers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cfexp.arrays import AnyArray, Codes, Mask, Matrix
    from cfexp.data.feedback import Feedback
    from cfexp.data.interactions import Interactions

_MANIFEST = "manifest.json"
_PARTS = ("data", "indices", "indptr")  # data first: CSR's own order
_RECENCY = ("rank", "age", "idle")


@dataclass(frozen=True, eq=False)
class StageData:
    """The matrices of a stage, all users x items, all of the same shape.

    `training` is what a model is fitted on; `history` the positives that a scorer is given
    for each user; `seen` ones at every pair of the history, positive or not; `relevant`
    ones at the held-out positives. Saved as .npy files, which processes share, memory-mapped.
    """

    name: str
    training: TrainingData
    history: Positives
    seen: Matrix
    relevant: Matrix

    @cached_property
    def users(self) -> Codes:
        """The users that metrics are computed over: those with a relevant item, ascending."""
        return np.flatnonzero(np.diff(self.relevant.indptr)).astype(np.int32)

    @cached_property
    def of_users(self) -> StageUsers:
        """The rows of these users."""
        return StageUsers(self, self.users)

    @cached_property
    def known(self) -> dict[object, Any]:
        """What has been worked out about the stage and will be wanted again, by any key."""
        return {}

    @cached_property
    def candidates(self) -> Mask:
        """The items that may be recommended: those that occur in the history's rows."""
        return np.bincount(self.seen.indices, minlength=self.seen.shape[1]) > 0

    @cached_property
    def relevant_hidden(self) -> dict[str, int]:
        """How many relevant pairs each mask hides, by the mask's name."""
        hidden = {"interacted": self.seen, "positives": self.history.matrix}
        return {"none": 0} | {n: in_common(m, self.relevant) for n, m in hidden.items()}


@dataclass(frozen=True, eq=False)
class Stage:
    """One fit and the reading that follows it.

    `fit`: the rows that a model is trained on; `history`: the rows that are a user's
    past when they are scored (and that a mask may hide); `held_out`: the rows to be
    predicted, positive or not. With `strangers`, users may be held out who have no history.
    """

    name: str
    fit: Interactions
    history: Interactions
    held_out: Interactions
    strangers: bool = False

    def __post_init__(self) -> None:
        parts = {"fit": self.fit}
        if self.history is not self.fit:
            parts["history"] = self.history
        for part, rows in parts.items():
            if (shared := np.isin(self.held_out.row, rows.row)).any():
                raise SplitError(
                    f"stage {self.name!r}: {shared.sum()} rows are both in {part} and held out, "
                    f"the first at position {self.held_out.row[shared][0]}"
                )
        if len(self.held_out) == 0:
            raise SplitError(f"stage {self.name!r} holds out no rows")
        length = np.bincount(self.history.user, minlength=len(self.history.users))
        strangers = np.unique(self.held_out.user[length[self.held_out.user] == 0])
        if len(strangers) and not self.strangers:
            raise SplitError(
                f"stage {self.name!r}: {len(strangers)} held-out users have no history"
            )

    def view(self, feedback: Feedback) -> StageData:
        """Return the stage's matrices under `feedback`."""
        return _Viewer(feedback).view(self)


class _Viewer:
    """Makes each matrix once: stages that share rows share matrices and training data."""

    def __init__(self, feedback: Feedback) -> None:
        self.feedback = feedback
        self.positives = cache(feedback.positives)
        self.seen = cache(feedback.seen)
        self.training = cache(lambda rows: TrainingData(self.positives(rows)))

    def view(self, stage: Stage) -> StageData:
        """Return the stage's matrices."""
        relevant = self.feedback.positives(stage.held_out).matrix
        relevant.data[:] = 1
        if relevant.nnz == 0:
            raise SplitError(
                f"stage {stage.name!r}: none of the {len(stage.held_out)} held-out rows is a "
                f"positive under [feedback] positive_from = {self.feedback.positive_from}"
            )
        return StageData(
            name=stage.name,
            training=self.training(stage.fit),
            history=self.positives(stage.history),
            seen=self.seen(stage.history),
            relevant=relevant,
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
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps(self.settings, sort_keys=True).encode())
        for stage in self.stages:
            for rows in (stage.fit, stage.history, stage.held_out):
                digest.update(rows.fingerprint.encode())
        return digest.hexdigest()

    def view(self, feedback: Feedback) -> dict[str, StageData]:
        """Return the matrices of every stage by name, shared where the rows are the same."""
        viewer = _Viewer(feedback)
        return {stage.name: viewer.view(stage) for stage in self.stages}


def save_stages(stages: Iterable[StageData], folder: Path) -> None:
    """Write stages to `folder`, each distinct array once, in both orientations for training.

    A `manifest.json` says which file is what; it is written last, so that a folder
    with one is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / _MANIFEST
    manifest.unlink(missing_ok=True)
    files: dict[str, str] = {}  # by content
    matrices: list[dict[str, Any]] = []

    def write_array(array: AnyArray) -> str:
        digest = hashlib.blake2b(array.dtype.str.encode(), digest_size=16)
        digest.update(np.ascontiguousarray(array).data)
        if digest.hexdigest() not in files:
            files[digest.hexdigest()] = f"array-{len(files)}.npy"
            np.save(folder / files[digest.hexdigest()], array, allow_pickle=False)
        return files[digest.hexdigest()]

    def write(history: Positives) -> int:
        arrays = {part: getattr(history, part) for part in (*_PARTS, *_RECENCY)}
        matrix: dict[str, Any] = {"shape": list(history.shape)}
        matrix |= {part: write_array(array) for part, array in arrays.items() if array is not None}
        if matrix not in matrices:
            matrices.append(matrix)
        return matrices.index(matrix)

    written = [
        {
            "name": stage.name,
            "training": write(stage.training.positives),
            "by_item": write(stage.training.by_item),
            "history": write(stage.history),
            "seen": write(Positives(stage.seen)),
            "relevant": write(Positives(stage.relevant)),
        }
        for stage in stages
    ]
    manifest.write_text(json.dumps({"matrices": matrices, "stages": written}, indent=1))


def load_stages(folder: Path) -> dict[str, StageData]:
    """Read what `save_stages` wrote, memory-mapped, by stage name.

    What was one matrix is one object again: stages that train on the same data share
    their TrainingData. Arrays are mapped copy-on-write: processes share the pages, and
    compiled code sees the same (writable) type as for arrays made in memory.
    """
    manifest = json.loads((folder / _MANIFEST).read_text())

    @cache
    def mapped(file: str) -> AnyArray:
        array: AnyArray = np.load(folder / file, mmap_mode="c", allow_pickle=False)
        return array

    @cache
    def read(index: int) -> Positives:
        files = dict(manifest["matrices"][index])
        shape = tuple(files.pop("shape"))
        arrays = {part: mapped(file) for part, file in files.items()}
        parts = tuple(arrays[part] for part in _PARTS)
        matrix = sparse.csr_array(parts, shape=shape, copy=False)
        matrix.has_canonical_format = True
        return Positives(matrix, *(arrays.get(name) for name in _RECENCY))

    @cache
    def training(index: int, by_item: int) -> TrainingData:
        data = TrainingData(read(index))
        vars(data)["by_item"] = read(by_item)  # where cached_property would put it
        return data

    return {
        stage["name"]: StageData(
            name=stage["name"],
            training=training(stage["training"], stage["by_item"]),
            history=read(stage["history"]),
            seen=read(stage["seen"]).matrix,
            relevant=read(stage["relevant"]).matrix,
        )
        for stage in manifest["stages"]
    }
