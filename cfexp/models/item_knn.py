"""Item-kNN: items are recommended for being consumed by the same users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

import numpy as np
from pydantic import Field
from scipy import sparse

from cfexp.arrays import entries
from cfexp.models import neighbours
from cfexp.models.finite import refuse_infinite
from cfexp.models.item_model import ItemModel, ItemScorer
from cfexp.models.item_weights import bm25, tf_idf, weighted_size, with_values
from cfexp.models.model import Epoch, Model
from cfexp.ranking import BLOCK, top_k

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Codes, Floats, Matrix
    from cfexp.data.positives import History, Positives
    from cfexp.data.training import TrainingData


class ItemKNN(ItemModel):
    """Similarity between the columns of the training matrix, cosine unless told otherwise.

    The score of item i for a user is the sum over the items j of their history of
    sim(j, i), where each j keeps its most similar items only and never itself:

        sim(j, i) = x_j'x_i / ((|x_j| |x_i|)^normalization + shrinkage)

    Entries x_ui are weighted first: not at all; by "tf_idf", sqrt(x_ui) idf_u; or by
    "bm25" (Robertson & Zaragoza 2009, section 3.4), with items as documents and users as
    terms, |i| being the sum of the item's entries and |.| the mean of all items' sums:

        x_ui (k1 + 1) / (x_ui + k1 (1 - b + b |i| / |.|)) idf_u

    where idf_u = log(number of items / (1 + number of the user's items)): who takes
    everything says little. BM25 is usually taken without norms (normalization 0).
    With recency, these weights are multiplied by 1 + recency exp(-rank / recency_scale),
    and so are the similarities that make up a score.
    """

    kind: Literal["item_knn"] = "item_knn"
    smaller: ClassVar = "lower neighbours, or drop rare items"

    neighbours: Annotated[int, Field(ge=1)] = 200
    """How many similar items each item keeps; ties go to the lower item code."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Added to the denominator: pulls similarities that rest on few users towards 0."""
    normalization: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How far popular items are held down: 1 is the cosine, 0 the plain product."""
    weighting: Literal["none", "tf_idf", "bm25"] = "none"
    """How entries are weighted before items are compared."""
    k1: Annotated[float, Field(ge=0)] = 1.2
    """For "bm25": how soon a repeated interaction counts no more; 0: at once."""
    b: Annotated[float, Field(ge=0, le=1)] = 0.75
    """For "bm25": how far entries of popular items are held down, from 0 to 1."""

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        similar = self._similarities(data, threads)
        yield Epoch.only(ItemKnnScorer(self, data.positives, similar), threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of the neighbours, sorted out and packed, and of the threads' rows."""
        n = data.n_items
        rows = 20 * BLOCK * n * min(threads, -(-n // BLOCK))  # products and norms in float64
        kept = n * min(self.neighbours, n)
        alike = min(kept, int(np.square(np.diff(data.positives.indptr).astype(np.int64)).sum()))
        return rows + 9 * kept + 16 * alike + weighted_size(data.positives.nnz)

    def weighted(self, matrix: Matrix) -> Matrix:
        """Return TF-IDF or BM25 weights, if there are to be any."""
        if self.weighting == "tf_idf":
            return with_values(matrix, tf_idf(matrix))
        if self.weighting == "bm25":
            return with_values(matrix, bm25(matrix, self.k1, self.b))
        return matrix

    def _similarities(self, data: TrainingData, threads: int | None) -> Matrix:
        n = data.n_items
        weighted = self.learnt(data.positives)
        users, items = (entries(m) for m in (weighted, weighted.T.tocsr()))
        norms = np.zeros(n)
        np.add.at(norms, data.positives.indices, users[2].astype(np.float64) ** 2)
        norms = np.sqrt(norms) ** self.normalization

        def cosines(block: slice) -> Floats:
            products = np.zeros((block.stop - block.start, n))
            neighbours.add_products(*items, *users, block.start, products)
            scale = norms[block, None] * norms + self.shrinkage
            np.divide(products, scale, out=products, where=products > 0)
            with np.errstate(over="ignore"):  # told by what follows
                return products.astype(np.float32)

        itself = sparse.eye_array(n, format="csr", dtype=np.float32)
        k = min(self.neighbours, n)
        best, values = top_k(cosines, n, k, hidden=itself, threads=threads)
        kept = values > 0
        refuse_infinite(values[kept], "similarities", "raise normalization, or set binary = true")
        starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        similar = sparse.csr_array((values[kept], best[kept], starts), shape=(n, n))
        similar.sort_indices()
        return similar


class ItemKnnScorer(ItemScorer):
    """Scores are sums of rows of the similarity matrix."""

    def __init__(self, model: ItemKNN, history: Positives, similarities: Matrix) -> None:
        self.model = model
        self.history = history
        self.similarities = similarities
        self._similar = entries(similarities)

    @property
    def n_items(self) -> int:
        """Number of items scored."""
        return int(self.similarities.shape[1])

    def queries(self, history: History) -> Matrix:
        """Return the histories, each item counted once however large its value."""
        return self.model.scored(self.checked(history), binary=True)

    def rows(self, items: Codes) -> Floats:
        """Return rows of the similarity matrix."""
        dense: Floats = self.similarities[items].toarray()
        return dense

    def column(self, items: Codes, item: int) -> Floats:
        """Return entries of a column of the similarity matrix."""
        dense: Floats = self.similarities[items][:, [item]].toarray()[:, 0]
        return dense

    def scores(self, queries: Matrix) -> Floats:
        """Return the sum of the similarities of each row's items, summed in float64."""
        sums = np.zeros((queries.shape[0], self.n_items))
        neighbours.add_products(*entries(queries), *self._similar, 0, sums)
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
        return cls(cast("ItemKNN", model), history, similarities)
