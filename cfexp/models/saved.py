"""`load`: a saved scorer, with the original ids behind its codes."""

from __future__ import annotations

from dataclasses import dataclass
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
from cfexp.models.nmf import NmfScorer
from cfexp.models.popularity import PopularityScorer
from cfexp.models.random import RandomScorer
from cfexp.models.repeat_last import RepeatLastScorer
from cfexp.models.svd import SvdScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cfexp.arrays import AnyArray, Codes, Mask
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


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A scorer with the original ids behind its codes, where they were saved."""

    scorer: Scorer
    users: Vocabulary | None = None
    items: Vocabulary | None = None
    titles: AnyArray | None = None

    def recommend(
        self,
        users: Sequence[Any] | AnyArray,
        k: int = 10,
        *,
        filter_seen: bool = True,
        candidates: Mask | None = None,
    ) -> pd.DataFrame:
        """Return the k best items of users given by original ids (codes where none are known).

        A table with columns user, rank (from 1), item, title (where titles are known)
        and score. Raises DataError for unknown users.
        """
        import pandas as pd

        asked = np.asarray(users)
        codes = self._codes(asked)
        best, scores = self.scorer.recommend(
            codes, k, filter_seen=filter_seen, candidates=candidates
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

    def _codes(self, ids: AnyArray) -> Codes:
        n = self.scorer.history.shape[0]
        codes = ids.astype(np.int32) if self.users is None else self.users.codes(ids)
        unknown = ids[(codes < 0) | (codes >= n)]
        if len(unknown):
            some = [repr(user) for user in unknown[:3].tolist()]
            raise DataError(
                f"{len(unknown)} of {len(ids)} users are not among the {n} of the training "
                f"data: {', '.join(some)}{', ...' if len(unknown) > len(some) else ''}"
            )
        return codes


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
        recency = {
            name: arrays[f"history.{name}"]
            for name in ("rank", "age")
            if f"history.{name}" in arrays
        }
        own = {
            name.removeprefix("scorer."): array
            for name, array in arrays.items()
            if name.startswith("scorer.")
        }
        scorer = _SCORERS[model.kind].from_arrays(model, Positives(history, **recency), own)
        return SavedModel(
            scorer,
            _vocabulary(arrays.get("users"), shape[0]),
            _vocabulary(arrays.get("items"), shape[1]),
            _strings(arrays.get("titles"), shape[1]),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error


def _recipe(path: Path, header: dict[str, Any]) -> tuple[Model, tuple[int, int]]:
    try:
        model: Model = TypeAdapter(AnyModel).validate_python(header["model"])
        users, items = (int(n) for n in header["shape"])
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is damaged, or of another version: {error}") from error
    return model, (users, items)


def _strings(values: AnyArray | None, n: int) -> AnyArray | None:
    if values is not None and values.shape != (n,):
        raise ValueError(f"{values.shape} ids or titles for {n}")
    if values is not None and values.dtype.kind == "U":
        return values.astype(object)
    return values


def _vocabulary(values: AnyArray | None, n: int) -> Vocabulary | None:
    ids = _strings(values, n)
    return None if ids is None else Vocabulary(ids)
