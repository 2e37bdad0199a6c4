"""`StageData`: the matrices of a stage, and the folder that processes share them in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.splits.stage_users import StageUsers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cfexp.arrays import AnyArray, Codes, Mask, Matrix

_MANIFEST = "manifest.json"
_PARTS = ("data", "indices", "indptr")  # data first: CSR's own order
_RECENCY = ("rank", "age", "idle")


@dataclass(frozen=True, eq=False)
class StageData:
    """The matrices of a stage, all users x items, all of the same shape.

    `training` is what a model is fitted on; `history` the positives that a scorer is given
    for each user; `seen` ones at every pair of the history, positive or not; `relevant`
    ones at the held-out positives; `candidates` says which items may be recommended.
    """

    name: str
    training: TrainingData
    history: Positives
    seen: Matrix
    relevant: Matrix
    candidates: Mask

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
    def relevant_hidden(self) -> dict[str, int]:
        """How many relevant pairs each mask hides, by the mask's name."""
        hidden = {"interacted": self.seen, "positives": self.history.matrix}
        return {"none": 0} | {name: int((m * self.relevant).nnz) for name, m in hidden.items()}


def save_stages(stages: Iterable[StageData], folder: Path) -> None:
    """Write stages to `folder`, each distinct array once, in both orientations for training.

    A `manifest.json` says which file is what; it is written last, so that a folder
    with one is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / _MANIFEST
    manifest.unlink(missing_ok=True)
    files: dict[str, str] = {}  # by content
    known: dict[int, tuple[AnyArray, str]] = {}  # by identity, kept while it counts
    matrices: list[dict[str, Any]] = []

    def write_array(array: AnyArray) -> str:
        if id(array) not in known:
            digest = hashlib.blake2b(array.dtype.str.encode(), digest_size=16)
            digest.update(np.ascontiguousarray(array).data)
            content = digest.hexdigest()
            if content not in files:
                files[content] = f"array-{len(files)}.npy"
                np.save(folder / files[content], array, allow_pickle=False)
            known[id(array)] = (array, files[content])
        return known[id(array)][1]

    def write(history: Positives) -> int:
        arrays = {part: getattr(history, part) for part in (*_PARTS, *_RECENCY)}
        matrix: dict[str, Any] = {"shape": list(history.shape)}
        matrix |= {part: write_array(array) for part, array in arrays.items() if array is not None}
        if matrix not in matrices:
            matrices.append(matrix)
        return matrices.index(matrix)

    def features(items: ItemFeatures | None) -> dict[str, str] | None:
        if items is None:
            return None
        return {"columns": items.described(), "values": write_array(items.values)}

    written = [
        {
            "name": stage.name,
            "training": write(stage.training.positives),
            "by_item": write(stage.training.by_item),
            "history": write(stage.history),
            "seen": write(Positives(stage.seen)),
            "relevant": write(Positives(stage.relevant)),
            "candidates": write_array(stage.candidates),
            "features": features(stage.training.features),
            "relevant_hidden": stage.relevant_hidden,
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
    def features(values: str, columns: str) -> ItemFeatures:
        return ItemFeatures.from_described(columns, np.asarray(mapped(values)))

    @cache
    def training(index: int, by_item: int, of_items: ItemFeatures | None) -> TrainingData:
        data = TrainingData(read(index), of_items)
        vars(data)["by_item"] = read(by_item)  # where cached_property would put it
        return data

    def stage_of(stage: dict[str, Any]) -> StageData:
        of_items = None if stage["features"] is None else features(**stage["features"])
        data = StageData(
            name=stage["name"],
            training=training(stage["training"], stage["by_item"], of_items),
            history=read(stage["history"]),
            seen=read(stage["seen"]).matrix,
            relevant=read(stage["relevant"]).matrix,
            candidates=np.asarray(mapped(stage["candidates"])),
        )
        vars(data)["relevant_hidden"] = stage["relevant_hidden"]
        return data

    return {stage["name"]: stage_of(stage) for stage in manifest["stages"]}
