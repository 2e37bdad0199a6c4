"""Interactions from what Python holds: data frames and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cfexp.data.files.nested import shown
from cfexp.data.interactions import Interactions
from cfexp.data.rows.columns import Columns
from cfexp.data.rows.messages import positions
from cfexp.data.rows.sound import csr_of
from cfexp.data.rows.table import interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfexp.arrays import AnyArray
    from cfexp.data.rows.columns import MissingValues


class FrameReader:
    """Reads the columns of a data frame, and shows its rows in messages."""

    file = "the data frame"

    def __init__(self, frame: Any) -> None:  # noqa: ANN401 - pandas, Polars, Arrow
        try:
            if hasattr(frame, "reset_index"):  # pandas: its index is no column
                frame = pa.Table.from_pandas(frame, preserve_index=False)
            self._table = pa.table(frame)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(
                "expected a data frame (pandas, Polars, Arrow, or a dict of columns), got "
                f"{type(frame).__name__}: {error}"
            ) from error

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""
        at = positions(self.file, roles, self._table.column_names)
        self._table = pa.table({role: self._table.column(place) for role, place in at.items()})
        return self._table

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position."""
        return shown(self._table, rows)


def from_frame(
    frame: Any,  # noqa: ANN401 - pandas, Polars, Arrow
    *,
    time_format: str = "auto",
    missing_values: MissingValues = "refuse",
    signed: bool = False,
    **columns: int | str | None,
) -> Interactions:
    """Return the rows of a data frame of pandas, Polars or Arrow, or of a dict of columns.

    Parameters
    ----------
    frame
        One row per event; its rows are read in their order.
    time_format, missing_values
        As in a study file.
    signed
        Whether negative values are let through, to be cleaned.
    columns
        `user`, `item` and perhaps `value`, `time`, `title`, `part`: names of columns, or
        positions from 1. `user` and `item` left out are called so.

    Raises
    ------
    DataError
        When a column is absent, or rows break a rule; the first of them are shown.
    """
    named = Columns.model_validate({"user": "user", "item": "item"} | columns)
    reader = FrameReader(frame)
    table = reader.read(named.roles())
    return interactions(table, time_format, reader, missing_values, signed=signed)


def from_matrix(
    matrix: Any,  # noqa: ANN401 - SciPy or NumPy
    *,
    users: AnyArray | Sequence[Any] | None = None,
    items: AnyArray | Sequence[Any] | None = None,
) -> Interactions:
    """Return one row per stored entry of a users x items matrix, sorted by user and item.

    Parameters
    ----------
    matrix
        SciPy's sparse or NumPy's; zeros that are stored are rows of value 0, seen but no
        preference.
    users, items
        The ids of its rows and columns, distinct; left out: their positions from 0.

    Raises
    ------
    DataError
        When it is no matrix of numbers, or ids do not fit it.
    """
    found = csr_of(matrix)
    codes, vocabularies = [], []
    user = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    for what, ids, size, places in (
        ("users", users, found.shape[0], user),
        ("items", items, found.shape[1], found.indices),
    ):
        given = np.arange(size) if ids is None else np.asarray(ids)
        given = given.astype(object) if given.dtype.kind == "U" else given
        known, own = Vocabulary.of(given)
        if not len(given) == len(known) == size:
            raise DataError(
                f"{size:,} {what} of the matrix need as many distinct ids, got {len(given):,}, "
                f"{len(known):,} of them distinct"
            )
        codes.append(own[places])
        vocabularies.append(known)
    if (found.data < 0).any() or not np.isfinite(found.data).all():
        raise DataError("values of the matrix must be finite and not negative")
    return Interactions(
        user=codes[0],
        item=codes[1],
        value=found.data,
        time=None,
        row=np.arange(found.nnz),
        users=vocabularies[0],
        items=vocabularies[1],
    )
