"""Item-kNN: items are recommended for being consumed by the same users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from cfexp.models import neighbours
from cfexp.models.model import Epoch, Model, Scorer
from cfexp.ranking import top_k

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Floats, Matrix
    from cfexp.data.training import History, Positives, TrainingData


class ItemKNN(Model):
    """Cosine similarity between the columns of the training matrix.

    The score of item i for a user is the sum over the items j of their history of
    sim(j, i), where each j keeps its most similar items only and never itself:

        sim(j, i) = x_j'x_i / (|x_j| |x_i| + shrinkage)
    """

    kind: Literal["item_knn"] = "item_knn"

    neighbours: Annotated[int, Field(ge=1)] = 200
    """How many similar items each item keeps; ties go to the lower item code."""
    binary: bool = True
    """Count every positive as 1, or take its value."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Added to the denominator: pulls similarities that rest on few users towards 0."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        similar = self._similarities(data, threads)
        scorer = ItemKnnScorer(self, data.positives, similar)
        scorer.threads = threads
        yield Epoch(1, lambda: scorer, lambda: None)

    def _similarities(self, data: TrainingData, threads: int | None) -> Matrix:
        n = data.n_items
        users = neighbours.entries(data.positives, binary=self.binary)
        items = neighbours.entries(data.by_item, binary=self.binary)
        norms = np.zeros(n)
        np.add.at(norms, data.positives.indices, users[2].astype(np.float64) ** 2)
        norms = np.sqrt(norms)

        def cosines(block: slice) -> Floats:
            products = np.zeros((block.stop - block.start, n))
            neighbours.add_products(*items, *users, block.start, products)
            scale = norms[block, None] * norms + self.shrinkage
            np.divide(products, scale, out=products, where=products > 0)
            return products.astype(np.float32)

        itself = sparse.eye_array(n, format="csr", dtype=np.float32)
        k = min(self.neighbours, n)
        best, values = top_k(cosines, n, k, hidden=itself, threads=threads)
        kept = values > 0
        starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        similar = sparse.csr_array((values[kept], best[kept], starts), shape=(n, n))
        similar.sort_indices()
        return similar


class ItemKnnScorer(Scorer):
    """Scores are sums of rows of the similarity matrix."""

    def __init__(self, model: Model, history: Positives, similarities: Matrix) -> None:
        self.model = model
        self.history = history
        self.similarities = similarities
        self._similar = neighbours.entries(similarities)

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return int(self.similarities.shape[1])

    def queries(self, history: History) -> Positives:
        """Return the history itself."""
        return self.checked(history)

    def scores(self, queries: Positives) -> Floats:
        """Return the sum of the similarities of each row's items, summed in float64."""
        sums = np.zeros((queries.shape[0], self.n_items))
        neighbours.add_products(*neighbours.entries(queries, binary=True), *self._similar, 0, sums)
        return sums.astype(np.float32)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the similarities in CSR form."""
        similar = self.similarities
        return {"indptr": similar.indptr, "indices": similar.indices, "data": similar.data}

    @classmethod
    def from_arrays(
        cls, model: Model, history: Positives, arrays: dict[str, AnyArray]
    ) -> ItemKnnScorer:
        """Return the scorer that `arrays()` described."""
        n = history.shape[1]
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        similarities = sparse.csr_array(parts, shape=(n, n))
        similarities.check_format(full_check=True)
        return cls(model, history, similarities)
