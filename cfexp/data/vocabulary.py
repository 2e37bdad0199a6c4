"""`Vocabulary`: original ids, and the codes that stand for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfexp.arrays import AnyArray, Codes, frozen


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The original ids, sorted and distinct; an id's code is its position.

    `ids` is int64 or an object array of str: "007" stays a string. Sorting makes
    codes independent of the order of the input rows.
    """

    ids: AnyArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", frozen(self.ids))

    @classmethod
    def of(cls, values: AnyArray) -> tuple[Vocabulary, Codes]:
        """Return the vocabulary of `values` and the code of each value."""
        import pandas as pd

        codes, ids = pd.factorize(values, sort=True)
        return cls(np.asarray(ids)), codes.astype(np.int32)

    def __len__(self) -> int:
        return len(self.ids)

    def codes(self, ids: AnyArray) -> Codes:
        """Return the code of each id, -1 where it is unknown."""
        import pandas as pd

        return pd.Index(self.ids).get_indexer(pd.Index(np.asarray(ids))).astype(np.int32)
