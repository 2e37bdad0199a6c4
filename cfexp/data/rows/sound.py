"""What must hold of a matrix before anything is learnt or scored from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Matrix

MOST = int(np.iinfo(np.int32).max)
"""The largest number of users, of items and of entries."""


def csr_of(given: Any) -> Matrix:  # noqa: ANN401 - whatever SciPy reads
    """Return `given` as a float32 CSR matrix, its own arrays where they will do.

    Values beyond float32 become infinite. Raises DataError for what is no matrix of
    numbers, is too large, or has indices outside of its shape.
    """
    is_sparse = sparse.issparse(given)
    if is_sparse and len(given.shape) == 2:  # noqa: PLR2004
        refuse_excess(given)
    try:
        if np.iscomplexobj(given):
            raise TypeError("complex numbers are no preferences")  # noqa: TRY301
        with np.errstate(over="ignore"):
            found = sparse.csr_array(given, dtype=np.float32)
        found.check_format(full_check=True)
    except (TypeError, ValueError) as error:
        raise DataError(
            "expected a users x items matrix of numbers, SciPy's or NumPy's, got "
            f"{type(given).__name__}: {error}"
        ) from error
    if found.ndim != 2:  # noqa: PLR2004
        raise DataError(f"expected a users x items matrix, got an array of shape {found.shape}")
    refuse_excess(found)
    matrix: Matrix = found
    return matrix


def refuse_excess(matrix: Any) -> None:  # noqa: ANN401 - whatever has a shape
    """Raise DataError when `matrix` has more rows, columns or entries than can be counted.

    Looks at its shape and its number of entries alone, so that nothing is allocated.
    """
    counts = {"users": matrix.shape[0], "items": matrix.shape[1], "entries": matrix.nnz}
    for name, count in counts.items():
        if count > MOST:
            raise DataError(
                f"a matrix may have up to {MOST:,} {name} (32-bit numbers), this one has "
                f"{count:,}; drop rare users or items, or take a sample of the users"
            )


def refuse_values(matrix: Any, what: str) -> None:  # noqa: ANN401 - CSR
    """Raise DataError unless all values of a CSR matrix are finite and greater than 0.

    `what` they are is the beginning of the message, which names the first wrong one.
    """
    values: AnyArray = matrix.data
    if len(values) == 0 or (values.min() > 0 and values.max() < np.inf):  # NaN is neither
        return
    wrong = ~(np.isfinite(values) & (values > 0))
    first = int(np.argmax(wrong))
    user = int(np.searchsorted(matrix.indptr, first, side="right")) - 1
    raise DataError(
        f"{what} must be finite and greater than 0 in float32; {int(wrong.sum()):,} of "
        f"{len(values):,} are not, the first is {values[first]:g} in row {user}, column "
        f"{int(matrix.indices[first])}; leave such entries out, for an entry is a preference"
    )


def exchanged(given: tuple[int, int], wanted: tuple[int, int]) -> str:
    """Return a question for messages when `given` looks like `wanted` on its side.

    >>> exchanged((3, 90), (90, 3))
    '; are users and items exchanged?'
    """
    sideways = given[0] == wanted[1] != given[1]
    return "; are users and items exchanged?" if sideways else ""
