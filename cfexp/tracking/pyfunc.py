"""The code of a logged model: recommendations by original ids, from an .npz file.

MLflow runs this file when it loads the model. The input has a column `user` and,
where wanted, `k` (10 when left out); the output one row per recommended item, with
`user`, `rank` (from 1), `item`, `title` (where known) and `score`. Users that the
model does not know get no rows.
"""

from __future__ import annotations

from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

_K = 10


class Recommender(PythonModel):
    """A saved cfexp model behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's file; nothing in it is ever unpickled."""
        from cfexp.errors import ModelFileError
        from cfexp.models.saved import load

        saved = load(context.artifacts["model"])
        if saved.users is None or saved.items is None:
            raise ModelFileError("this model was saved without the ids of users and items")
        self.model, self.titles = saved, saved.titles
        self.users, self.items = saved.users, saved.items

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> pd.DataFrame:
        """Return the best items of every user of `model_input`, best first."""
        users = model_input["user"].to_numpy()
        wanted = model_input["k"] if "k" in model_input else pd.Series(_K, model_input.index)
        sizes = wanted.fillna(_K).to_numpy(np.int64)
        codes = self.users.codes(users)
        known = codes >= 0
        if not known.any():
            return self._frame(users[:0], np.empty((0, 1), np.int64), np.empty((0, 1)), sizes[:0])
        items, scores = self.model.top(codes[known], int(sizes[known].max()))
        return self._frame(users[known], items, scores, sizes[known])

    def _frame(self, users: Any, items: Any, scores: Any, sizes: Any) -> pd.DataFrame:  # noqa: ANN401
        """Return one row per user and rank; short lists end where they end."""
        rank = np.arange(items.shape[1])
        kept = (items >= 0) & (rank < sizes[:, None])
        chosen = items[kept]
        return pd.DataFrame(
            {
                "user": np.repeat(users, kept.sum(axis=1)),
                "rank": np.broadcast_to(rank + 1, kept.shape)[kept],
                "item": self.items.ids[chosen],
                "title": None if self.titles is None else self.titles[chosen],
                "score": scores[kept].astype(np.float64),
            }
        )


mlflow.models.set_model(Recommender())
