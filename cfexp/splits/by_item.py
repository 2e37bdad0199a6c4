"""`ByItem`: whole items are held out, as if they came out only after the model was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.errors import SplitError
from cfexp.seeds import seed_for
from cfexp.splits.amounts import Amount, AmountOrNone, rows_of
from cfexp.splits.splitter import Part, Splitter

if TYPE_CHECKING:
    from cfexp.arrays import Mask
    from cfexp.data.interactions import Interactions


class ByItem(Splitter):
    """Items drawn at random are test, others validation, with all their rows.

    Models are fitted on the rest of the items and score the held-out ones for each user by
    what they know of items besides rows: their features. A user's history is their rows of
    the fitted items; users without any are left out.
    """

    kind: Literal["by_item"] = "by_item"
    test: Amount = 0.2
    """How many items are held out for the test: so many, or a share such as 0.2."""
    validation: AmountOrNone = 0.1
    """How many items are held out for validation, likewise; 0 where nothing is searched."""
    cold_items: Literal["only", "candidates"] = "only"
    """What may be recommended: the held-out items only, or the fitted items as well."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, other items."""

    def parts(self, rows: Interactions) -> list[Part]:
        test, validation = self._items(rows)
        folds = int(validation.any())
        label = np.full(len(rows.items), -1, np.int32)
        label[validation], label[test] = 0, folds
        return self.in_order(label[rows.item], folds, strangers="drop")

    def _items(self, rows: Interactions) -> tuple[Mask, Mask]:
        """Return which items are test, and which validation."""
        known = np.flatnonzero(rows.occurring)
        n_test, n_validation = (
            int(rows_of(amount, np.array([len(known)]))[0])
            for amount in (self.test, self.validation)
        )
        missing = n_test == 0 or (self.validation > 0 and n_validation == 0)
        if missing or n_test + n_validation >= len(known):
            raise SplitError(
                f"test = {self.test}, validation = {self.validation}: {n_test:,} and "
                f"{n_validation:,} items cannot be held out of {len(known):,}, with one left to "
                "learn from"
            )
        drawn = np.random.default_rng(seed_for(self.seed, "by_item")).permutation(known)
        test, validation = np.zeros((2, len(rows.items)), bool)
        test[drawn[:n_test]] = True
        validation[drawn[n_test : n_test + n_validation]] = True
        return test, validation
