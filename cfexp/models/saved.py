"""`load`: a saved scorer, with the original ids behind its codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy import sparse

from cfexp.data.interactions import Vocabulary
from cfexp.data.training import Positives
from cfexp.errors import DataError, ModelFileError
from cfexp.models import archive
from cfexp.models.als_scorer import AlsScorer
from cfexp.models.any_model import AnyModel
from cfexp.models.ease import EaseScorer
from cfexp.models.item_knn import ItemKnnScorer
from cfexp.models.model import MaskName
from cfexp.models.nmf import NmfScorer
from cfexp.models.popularity import PopularityScorer
from cfexp.models.random import RandomScorer
from cfexp.models.relating import RelatingScorer
from cfexp.models.repeat_last import RepeatLastScorer
from cfexp.models.svd import SvdScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.models.model import Model, Scorer

_SCORERS: dict[str, type[Scorer]] = {
    "als": AlsScorer,
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


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A scorer with the original ids behind its codes, where they were saved."""

    scorer: Scorer
    users: Vocabulary | None = None
    items: Vocabulary | None = None
    titles: AnyArray | None = None

    seen: Matrix | None = None
    """Ones at every pair of the histories, positive or not."""
    mask: MaskName = "positives"
    """What the model's lists left out when it was evaluated."""

    def recommend(
        self,
        users: Sequence[Any] | AnyArray,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Sequence[Any] | AnyArray | None = None,
        rescale: bool = False,
    ) -> pd.DataFrame:
        """Return the k best items of users given by original ids (codes where none are known).

        A table with columns user, rank (from 1), item, title (where titles are known)
        and score.

        Parameters
        ----------
        users, k
            Ids of users, and how many items for each.
        filter_seen
            Leave out what a user has had, or nothing; None: as when the model was
            evaluated.
        candidates
            The items to choose from: ids, or one bool per item. None: all that occur in
            what was seen, where that was saved; else all.
        rescale
            Scale scores to 0..1 for display, as in `Scorer.recommend`.

        Raises
        ------
        DataError
            When a user or a candidate is unknown.
        """
        import pandas as pd

        asked = np.asarray(users)
        allowed = None if candidates is None else np.asarray(candidates)
        if allowed is not None and allowed.dtype != bool:
            allowed = _known(allowed, self.items, self.scorer.n_items, "candidates", "items")
        best, scores = self.top(
            _known(asked, self.users, self.scorer.history.shape[0], "users", "users"),
            k,
            filter_seen=filter_seen,
            candidates=allowed,
            rescale=rescale,
        )
        found = best >= 0
        items = best[found]
        row, rank = np.nonzero(found)
        table = {
            "user": asked[row],
            "rank": rank + 1,
            "item": items if self.items is None else self.items.ids[items],
        }
        if self.titles is not None:
            table["title"] = self.titles[items]
        return pd.DataFrame({**table, "score": scores[found]})

    def top(
        self,
        users: Codes,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Mask | Codes | None = None,
        rescale: bool = False,
    ) -> tuple[Codes, Floats]:
        """Do the same by codes; return items and scores as `Scorer.recommend` does."""
        hides = self.mask != "none" if filter_seen is None else filter_seen
        hidden = None
        if hides and self.seen is not None and (filter_seen or self.mask == "interacted"):
            hidden = self.seen[users]
        if candidates is None:
            candidates = self._occurring
        return self.scorer.recommend(
            users, k, filter_seen=hides, hidden=hidden, candidates=candidates, rescale=rescale
        )

    @cached_property
    def _occurring(self) -> Mask | None:
        if self.seen is None:
            return None
        occurs: Mask = np.bincount(self.seen.indices, minlength=self.seen.shape[1]) > 0
        return occurs


def _known(ids: AnyArray, vocabulary: Vocabulary | None, n: int, asked: str, side: str) -> Codes:
    """Return the codes of original ids, which without a vocabulary are the codes.

    Raises DataError for those `asked` for that are not among the `n` of their `side`.
    """
    if vocabulary is not None:
        codes: AnyArray = vocabulary.codes(ids)
    else:
        codes = ids if ids.dtype.kind in "iu" else np.full(ids.shape, -1)
    unknown = ids[(codes < 0) | (codes >= n)]
    if len(unknown):
        some = [repr(one) for one in unknown[:3].tolist()]
        raise DataError(
            f"{len(unknown)} of {len(ids)} {asked} are not among the {n} {side} of the training "
            f"data: {', '.join(some)}{', ...' if len(unknown) > len(some) else ''}"
        )
    return codes.astype(np.int32)


def load(path: Path | str) -> SavedModel:
    """Read what `Scorer.save` wrote; raise ModelFileError for anything else.

    Nothing is unpickled and every index is checked, so that a file from a stranger can
    be wrong but not harmful.
    """
    path = Path(path)
    header, arrays = archive.read(path)
    model, shape = _recipe(path, header)
    try:
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
        )
    except (DataError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error


def _recipe(path: Path, header: dict[str, Any]) -> tuple[Model, tuple[int, int]]:
    try:
        model: Model = TypeAdapter(AnyModel).validate_python(header["model"])
        users, items = (int(n) for n in header["shape"])
    except (ValidationError, ValueError, KeyError, TypeError) as error:
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


def _strings(values: AnyArray | None, n: int) -> AnyArray | None:
    if values is not None and values.shape != (n,):
        raise ValueError(f"{values.shape} ids or titles for {n}")
    if values is not None and values.dtype.kind == "U":
        return values.astype(object)
    return values


def _vocabulary(values: AnyArray | None, n: int) -> Vocabulary | None:
    ids = _strings(values, n)
    return None if ids is None else Vocabulary(ids)
