"""What a logged model takes and gives: its signature, an example, what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.errors import TrackingError
from cfexp.tracking.asked import COLUMNS, DEFAULT_K

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.types import ColSpec, TensorSpec

    from cfexp.models.saved_model import SavedModel

_PACKAGES = (
    "cfexp",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "threadpoolctl",
)
_SHOWN = 3  # items in the example's history


def interface(path: Path) -> tuple[Any, Any]:
    """Return an input example, with its parameters, and the signature.

    Columns that a row may leave out have the type "any", but for ids that are text:
    MLflow refuses a batch in which some rows lack a number, takes a missing flag for true,
    and reads `instances` wrongly where a column is declared a list.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    from cfexp.models.saved import load

    saved = load(path)
    if saved.users is None or saved.items is None:
        raise TrackingError(f"{path} was saved without the ids of users and items")
    user, item = (
        DataType.long if np.asarray(vocabulary.ids).dtype.kind in "iu" else DataType.string
        for vocabulary in (saved.users, saved.items)
    )
    text, anything = ("user", DataType.string), AnyType()  # type: ignore[no-untyped-call]
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(user if (name, user) == text else anything, name, required=False)
        for name in COLUMNS
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(user, "user", required=False),
        ColSpec(DataType.long, "rank"),
        ColSpec(item, "item"),
        ColSpec(DataType.string, "title", required=False),
        ColSpec(DataType.double, "score"),
    ]
    params = [
        ParamSpec("k", DataType.long, DEFAULT_K),
        ParamSpec("filter_seen", DataType.boolean, None),
    ]
    signature = ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(params))
    return _example(saved), signature


def _example(saved: SavedModel) -> tuple[Any, dict[str, Any]]:
    """Return a row with a known user and one with the history of a user to come."""
    import pandas as pd

    if saved.users is None or saved.items is None:
        raise ValueError("an example is made of ids")
    past = saved.scorer.history
    someone = int(np.argmax(np.diff(past.indptr) > 0))
    had = saved.items.ids[past[[someone]].indices[:_SHOWN]].tolist()
    rows = [{"user": saved.users.ids[[someone]].tolist()[0], "history": None}]
    if not saved.needs_times:
        rows.append({"user": None, "history": had})
    return pd.DataFrame(rows, dtype=object), {"k": DEFAULT_K}


def requirements() -> list[str]:
    """Return what a server needs to load the model, stated rather than inferred."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in _PACKAGES]
