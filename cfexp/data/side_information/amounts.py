"""Which cells of a table are numbers: columns as float64, NaN where empty, or as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from cfexp.arrays import as_text

if TYPE_CHECKING:
    import pyarrow as pa

    from cfexp.arrays import AnyArray

NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*|0?(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?")
"""A number as people and programs write one; "007" is a name."""
_EXACT = 2**53
"""From here on float64 does not hold every whole number."""


def is_exact(number: str) -> bool:
    """Return whether float64 tells a whole `number` from the next; of others it need not.

    >>> is_exact("9007199254740991"), is_exact("9007199254740993"), is_exact("1e60")
    (True, False, True)
    """
    return not number.lstrip("+-").isdecimal() or abs(int(number)) < _EXACT


def column_of(texts: AnyArray) -> AnyArray:
    """Return float64 where every text that is not empty is a number, else the texts.

    >>> column_of(np.array(["1", "", "2.5"]))
    array([1. , nan, 2.5])
    >>> column_of(np.array(["007", "8"]))
    array(['007', '8'], dtype='<U3')
    """
    texts = np.asarray(texts, np.str_)
    distinct, codes = np.unique(texts, return_inverse=True)
    if not all(NUMBER.fullmatch(one) and is_exact(one) for one in distinct.tolist() if one):
        return texts
    numbers = np.array([float(one) if one else np.nan for one in distinct.tolist()])
    return texts if np.isinf(numbers).any() else numbers[codes]


def stored_numbers(column: pa.ChunkedArray) -> AnyArray | None:
    """Return a column that is stored as numbers as float64, NaN where empty; None for another.

    Whole numbers that float64 cannot tell apart are no amounts: such a column is another.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.types.is_integer(column.type)
    if whole and any(abs(one or 0) >= _EXACT for one in pc.min_max(column).as_py().values()):
        return None
    if whole or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_pandas(), np.float64)
    return None


def text(column: pa.ChunkedArray, name: str) -> AnyArray:
    """Return a column as text, "" where it is empty."""
    return as_text(column.cast("string").fill_null("").to_pylist(), name)
