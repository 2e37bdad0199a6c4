"""The code of a logged model: recommendations by original ids, from an .npz file.

MLflow runs this file when it loads the model. A row of the input names a `user` that the
model knows, or gives a `history`: a list of item ids, oldest first, which is folded in,
whoever's it is; the user's id is then only repeated in the answer. `values` and `times` may
go with a history. `k` (10) and `filter_seen` (as the model was evaluated) stand in the row
or are parameters of the request. The output has one row per recommended item: `user`,
`rank` (from 1), `item`, `title` (where known) and `score`. A user without a history whom
the model does not know is an error.
"""

from __future__ import annotations

from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class Recommender(PythonModel):
    """A saved cfexp model behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's file; nothing in it is ever unpickled."""
        from cfexp.errors import ModelFileError
        from cfexp.models.saved import load

        saved = load(context.artifacts["model"])
        if saved.users is None or saved.items is None:
            raise ModelFileError("this model was saved without the ids of users and items")
        self.model, self.items = saved, saved.items

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the best items of every row of `model_input`, best first."""
        from cfexp.errors import InputError
        from cfexp.tracking.asked import Asked

        try:
            return self._answer(Asked.of(model_input, params))
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def _answer(self, asked: Any) -> pd.DataFrame:  # noqa: ANN401 - an Asked
        sizes = np.minimum(asked.k, len(self.items))
        shape = (len(asked), sizes.max(initial=1))
        items, scores = np.full(shape, -1, np.int64), np.zeros(shape)
        folded = np.array([history is not None for history in asked.histories], bool)
        for rows, top in ((folded, self._top_from), (~folded, self._top)):
            if rows.any():
                items[rows], scores[rows] = top(asked.only(rows), shape[1])
        return self._frame(asked.users, items, scores, sizes)

    def _top_from(self, asked: Any, k: int) -> tuple[Any, Any]:  # noqa: ANN401
        histories = self.model.folded(
            asked.histories,
            values=asked.values,
            times=asked.times,
            owners=asked.users,
        )
        return self._by_flag(
            asked, k, lambda rows, seen: self.model.top_from(histories[rows], k, filter_seen=seen)
        )

    def _top(self, asked: Any, k: int) -> tuple[Any, Any]:  # noqa: ANN401
        codes = self.model.user_codes(asked.users)
        return self._by_flag(
            asked, k, lambda rows, seen: self.model.top(codes[rows], k, filter_seen=seen)
        )

    @staticmethod
    def _by_flag(asked: Any, k: int, top: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Call `top` once for all rows that have the same `filter_seen`."""
        items, scores = np.empty((len(asked), k), np.int64), np.empty((len(asked), k))
        for flag in set(asked.filter_seen):
            rows = np.flatnonzero([seen is flag for seen in asked.filter_seen])
            items[rows], scores[rows] = top(rows, flag)
        return items, scores

    def _frame(self, users: Any, items: Any, scores: Any, sizes: Any) -> pd.DataFrame:  # noqa: ANN401
        """Return one row per user and rank; short lists end where they end."""
        rank = np.arange(items.shape[1])
        kept = (items >= 0) & (rank < sizes[:, None])
        chosen, titles = items[kept], self.model.titles
        return pd.DataFrame(
            {
                "user": pd.Series(np.repeat(users, kept.sum(axis=1)), dtype=object),
                "rank": np.broadcast_to(rank + 1, kept.shape)[kept],
                "item": self.items.ids[chosen],
                "title": None if titles is None else titles[chosen],
                "score": scores[kept],
            }
        )


mlflow.models.set_model(Recommender())
