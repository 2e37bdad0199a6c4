"""How alike the items of a list are: sums of cosines, without items x items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from cfexp.arrays import entries

if TYPE_CHECKING:
    from cfexp.arrays import Codes, Doubles, Matrix


def cosine_sums(lists: Codes, vectors: Matrix) -> Doubles:
    """Return, for each list, the sum over its pairs of items of the cosine of their vectors.

    `lists` (n x k, -1 where short), `vectors` (items x features). With u_i = v_i / |v_i|
    the sum is (|sum_i u_i|^2 - sum_i |u_i|^2) / 2, which looks at every entry of a list's
    vectors twice, whatever k. A vector of zeros has cosine 0 with all others.
    """
    squares = np.add.reduceat(np.append(vectors.data.astype(np.float64) ** 2, 0), vectors.indptr)
    norms = np.sqrt(np.where(np.diff(vectors.indptr) > 0, squares[:-1], 0))
    scale = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    sums = np.zeros(len(lists))
    # lists that were cut short are compiled for no other layout
    whole = np.ascontiguousarray(lists, np.int32)
    _add(whole, *entries(vectors), scale, vectors.shape[1], sums)
    return sums


@njit(nogil=True, cache=True)
def _add(  # noqa: PLR0917 - compiled, like the types
    lists: Any,  # noqa: ANN401 - int32 (n, k)
    starts: Any,  # noqa: ANN401 - int64 (n_items + 1)
    features: Any,  # noqa: ANN401 - int32
    values: Any,  # noqa: ANN401 - float32
    scale: Any,  # noqa: ANN401 - float64 (n_items)
    n_features: int,
    sums: Any,  # noqa: ANN401 - float64 (n), written
) -> None:
    total = np.zeros(n_features)
    for row in range(lists.shape[0]):
        own = 0
        for item in lists[row]:
            if item >= 0 and scale[item] > 0:
                own += 1
                for e in range(starts[item], starts[item + 1]):
                    total[features[e]] += values[e] * scale[item]
        square = 0.0
        for item in lists[row]:
            if item >= 0:
                for e in range(starts[item], starts[item + 1]):
                    square += total[features[e]] ** 2
                    total[features[e]] = 0.0
        sums[row] = (square - own) / 2
