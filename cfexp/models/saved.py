"""`load`: a model's file becomes a `SavedModel` again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy import sparse

from cfexp.data.feedback import Feedback
from cfexp.data.positives import Positives
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, ModelFileError
from cfexp.models import archive
from cfexp.models.als_scorer import AlsScorer
from cfexp.models.any_model import AnyModel
from cfexp.models.content_scorer import ContentScorer
from cfexp.models.ease import EaseScorer
from cfexp.models.item_knn import ItemKnnScorer
from cfexp.models.model import MaskName
from cfexp.models.nmf import NmfScorer
from cfexp.models.popularity import PopularityScorer
from cfexp.models.random import RandomScorer
from cfexp.models.relating import RelatingScorer
from cfexp.models.repeat_last import RepeatLastScorer
from cfexp.models.saved_model import SavedModel
from cfexp.models.svd import SvdScorer

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Mask, Matrix
    from cfexp.models.model import Model
    from cfexp.models.scorer import Scorer

_SCORERS: dict[str, type[Scorer]] = {
    "als": AlsScorer,
    "content": ContentScorer,
    "ease": EaseScorer,
    "item_knn": ItemKnnScorer,
    "nmf": NmfScorer,
    "popularity": PopularityScorer,
    "random": RandomScorer,
    "repeat_last": RepeatLastScorer,
    "svd": SvdScorer,
}
RELATING = tuple(kind for kind, one in _SCORERS.items() if issubclass(one, RelatingScorer))
"""Kinds of models that know how items relate."""


def load(path: Path | str) -> SavedModel:
    """Read what `Scorer.save` wrote; raise ModelFileError for anything else.

    Nothing is unpickled and every index is checked, so that a file from a stranger can
    be wrong but not harmful.
    """
    path = Path(path)
    header, arrays = archive.read(path)
    model, shape = _recipe(path, header)
    try:
        _check_numbers(arrays)
        history = sparse.csr_array(
            (arrays["history.data"], arrays["history.indices"], arrays["history.indptr"]),
            shape=shape,
        )
        history.check_format(full_check=True)
        rank, age = arrays.get("history.rank"), arrays.get("history.age")
        positives = Positives(
            history,
            None if rank is None else rank.astype(np.int32, casting="same_kind"),
            None if age is None else age.astype(np.float32, casting="same_kind"),
        )
        own = {
            name.removeprefix("scorer."): array
            for name, array in arrays.items()
            if name.startswith("scorer.")
        }
        scorer = _SCORERS[model.kind].from_arrays(model, positives, own)
        return SavedModel(
            scorer,
            _vocabulary(arrays.get("users"), shape[0]),
            _vocabulary(arrays.get("items"), shape[1]),
            _strings(arrays.get("titles"), shape[1]),
            _seen(arrays, shape),
            TypeAdapter(MaskName).validate_python(header.get("mask", "positives")),
            Feedback.model_validate(header.get("feedback", {})),
            _mask(arrays.get("candidates"), shape[1]),
        )
    except (DataError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error


def _check_numbers(arrays: dict[str, AnyArray]) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "U" and name not in {"users", "items", "titles"}:
            raise ValueError(f"{name} must hold numbers, not text")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} must hold numbers that are finite")


def _recipe(path: Path, header: dict[str, Any]) -> tuple[Model, tuple[int, int]]:
    try:
        model: Model = TypeAdapter(AnyModel).validate_python(header["model"])
        users, items = (int(n) for n in header["shape"])
    except (ValidationError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelFileError(f"{path} is damaged, or of another version: {error}") from error
    return model, (users, items)


def _seen(arrays: dict[str, AnyArray], shape: tuple[int, int]) -> Matrix | None:
    if "seen.indices" not in arrays:
        return None
    indices = arrays["seen.indices"]
    parts = (np.ones(len(indices), np.float32), indices, arrays["seen.indptr"])
    seen = sparse.csr_array(parts, shape=shape)
    seen.check_format(full_check=True)
    return seen


def _mask(values: AnyArray | None, n: int) -> Mask | None:
    if values is not None and (values.shape != (n,) or values.dtype != bool):
        raise ValueError(f"candidates are {n} bools, not {values.dtype} of {values.shape}")
    return values


def _strings(values: AnyArray | None, n: int) -> AnyArray | None:
    if values is not None and values.shape != (n,):
        raise ValueError(f"{values.shape} ids or titles for {n}")
    if values is not None and values.dtype.kind == "U":
        return values.astype(object)
    return values


def _vocabulary(values: AnyArray | None, n: int) -> Vocabulary | None:
    ids = _strings(values, n)
    return None if ids is None else Vocabulary(ids)
