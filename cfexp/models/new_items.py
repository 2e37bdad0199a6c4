"""A saved model with items that it was not trained with, known by their features alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError
from cfexp.models.content_scorer import ContentScorer
from cfexp.models.folding import some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfexp.arrays import AnyArray, Matrix
    from cfexp.data.side_information.item_features import ItemFeatures
    from cfexp.models.saved_model import SavedModel


def with_items(
    model: SavedModel,
    ids: Sequence[Any] | AnyArray,
    columns: Mapping[str, Sequence[Any] | AnyArray],
    titles: Sequence[str] | None = None,
) -> SavedModel:
    """Return the model with further items, which it recommends like all others.

    Parameters
    ----------
    model
        One of kind "content", with the ids that it was saved with.
    ids
        Those of the new items, of the same type as the known ones, each once.
    columns
        What is known of them, by the names of the item features that the model was trained
        with, an entry per item. A column left out is unknown, as are "" and NaN.
    titles
        To show to people.

    Raises
    ------
    DataError
        When the model knows no features, the ids are of another type, not distinct or known
        already, or columns do not fit.
    """
    scorer = features_of(model)
    known = model.items.ids if model.items is not None else np.arange(scorer.n_items)
    new = np.asarray(ids)
    new = new.astype(object) if new.dtype.kind == "U" else new
    if len(new) == 0 or (new.dtype.kind in "iu") != (known.dtype.kind in "iu"):
        kind = "numbers" if known.dtype.kind in "iu" else "text"
        raise DataError(f"the ids of new items are {kind}, at least one; got {some(new.tolist())}")
    again = new[Vocabulary(known).codes(new) >= 0].tolist()
    if again or len(set(new.tolist())) < len(new):
        what = f"known to the model already: {some(again)}" if again else "given twice"
        raise DataError(f"ids of new items must be new and distinct; some are {what}")
    if titles is not None and len(titles) != len(new):
        raise DataError(f"{len(titles)} titles for {len(new)} new items")
    values = _encoded(scorer, columns, len(new))
    extra = np.asarray([""] * len(new) if titles is None else titles, object)
    shown = None if model.titles is None else np.append(model.titles, extra)
    allowed = model.allowed
    return dataclasses.replace(
        model,
        scorer=scorer.with_items(values),
        items=Vocabulary(np.append(known, new)),
        titles=shown,
        seen=None if model.seen is None else _widened(model.seen, len(new)),
        candidates=None if allowed is None else np.append(allowed, np.ones(len(new), bool)),
    )


def features_of(model: SavedModel) -> ContentScorer:
    """Return the scorer of a model that knows items by their features; DataError for another."""
    if not isinstance(model.scorer, ContentScorer):
        raise DataError(
            f"new items need a model that knows items by their features, of kind 'content'; this "
            f"one is of kind {model.scorer.model.kind!r}"
        )
    return model.scorer


def _encoded(
    scorer: ContentScorer, columns: Mapping[str, Sequence[Any] | AnyArray], n: int
) -> AnyArray:
    features: ItemFeatures = scorer.features
    names = [one.name for one in features.columns]
    given = {name: np.asarray(column) for name, column in columns.items() if name in names}
    if not given:
        got = f"none of the columns {', '.join(columns)} is" if columns else "there is no column of"
        raise DataError(
            f"{got} a feature that the model was trained with; these are {', '.join(names)}"
        )
    for name, column in given.items():
        if column.shape != (n,):
            raise DataError(f"column {name!r} has {len(column)} entries for {n} new items")
    return features.encoded(given)


def _widened(seen: Matrix, more: int) -> Matrix:
    shape = (seen.shape[0], seen.shape[1] + more)
    return sparse.csr_array((seen.data, seen.indices, seen.indptr), shape=shape)
