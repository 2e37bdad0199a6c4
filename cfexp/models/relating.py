"""`RelatingScorer`: scorers that know how items relate, and can say so."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import sparse

from cfexp.models.listing import refuse_codes
from cfexp.models.scorer import Scorer
from cfexp.parallel import one_blas_thread
from cfexp.ranking import top_k

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import Codes, Doubles, Floats
    from cfexp.data.positives import Positives


class RelatingScorer(Scorer):
    """A scorer whose scores are sums over the items of a user's history."""

    measures: ClassVar[tuple[str, ...]]
    """How items can be compared; the first is meant where none is named."""

    def similar_items(
        self, items: Codes, k: int = 10, by: str | None = None
    ) -> tuple[Codes, Floats]:
        """Return the k items most like each of `items`, itself left out, and how much.

        Both arrays are len(items) x k, as in `recommend`. `by` is one of `measures`.

        Raises
        ------
        ValueError
            When there is no such measure.
        IndexError
            When an item is unknown.
        """
        measure = self.measures[0] if by is None else by
        if measure not in self.measures:
            allowed = " or ".join(repr(one) for one in self.measures)
            raise ValueError(f"by must be {allowed}, got {by!r}")
        items = np.atleast_1d(np.asarray(items))
        refuse_codes(items, self.n_items, "items")
        items = items.astype(np.int32)
        likeness = self.likeness(measure)
        itself = sparse.csr_array(
            (np.ones(len(items), np.float32), items, np.arange(len(items) + 1)),
            shape=(len(items), self.n_items),
        )
        return top_k(
            lambda block: likeness(items[block]),
            len(items),
            k,
            hidden=itself,
            threads=self.threads,
        )

    def explain(self, user: int, item: int) -> tuple[Codes, Doubles]:
        """Return the items of a user's history and what each adds to the score of `item`.

        Largest first; the sum is the score. Raises IndexError for an unknown user or item.
        """
        refuse_codes(np.array([user]), self.history.shape[0], "users")
        refuse_codes(np.array([item]), self.n_items, "items")
        history = self.history[[user]]
        with one_blas_thread:
            adds = self.contributions(history, item)
        order = np.argsort(-adds, kind="stable")
        return history.indices[order].astype(np.int32), adds[order]

    @abstractmethod
    def likeness(self, by: str) -> Callable[[Codes], Floats]:
        """Return what turns m items into how like them all items are, a new m x items array."""

    @abstractmethod
    def contributions(self, history: Positives, item: int) -> Doubles:
        """Return what every entry of `history`, one row, adds to the score of `item`."""
