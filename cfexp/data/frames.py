"""Interactions from what Python holds: data frames and matrices."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from cfexp.data.files.nested import shown
from cfexp.data.frame import Frame
from cfexp.data.interactions import Interactions
from cfexp.data.rows.columns import Columns
from cfexp.data.rows.messages import clip, positions
from cfexp.data.rows.sound import csr_of
from cfexp.data.rows.table import interactions
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfexp.arrays import AnyArray
    from cfexp.data.rows.columns import MissingValues


class FrameReader:
    """Reads the columns of a data frame, and shows its rows in messages."""

    file = "the data frame"

    def __init__(self, frame: Any) -> None:  # noqa: ANN401 - pandas, Polars, Arrow
        try:
            if hasattr(frame, "reset_index") and hasattr(frame, "columns"):
                # pandas: its index is no column
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
        When an argument is wrong, a column is absent, or rows break a rule; the first of them
        are shown.
    """
    given = {
        "columns": {"user": "user", "item": "item"} | columns,
        "time_format": time_format,
        "missing_values": missing_values,
    }
    try:
        recipe = Frame.model_validate(given)
    except ValidationError as error:
        raise _wrong_argument(error) from error
    reader = FrameReader(frame)
    table = reader.read(recipe.columns.roles())
    return interactions(table, recipe.time_format, reader, recipe.missing_values, signed=signed)


def _wrong_argument(error: ValidationError) -> DataError:
    first = error.errors()[0]
    is_column = first["loc"][0] == "columns"
    name = str(first["loc"][1 if is_column else 0])
    if first["type"] == "extra_forbidden":
        names = [*Columns.model_fields, "time_format", "missing_values", "signed"]
        known = f"its arguments are {', '.join(names)}{did_you_mean(name, names)}"
        return DataError(f"from_frame has no argument {clip(name)!r}; {known}")
    rule = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if is_column:
        rule = "must be the name of a column, or its position from 1"
    return DataError(f"from_frame: {name} = {clip(repr(first['input']))}: {rule}")


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
        The ids of its rows and columns, distinct, all whole numbers or all text; left out: their
        positions from 0.

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
        given = np.arange(size) if ids is None else _ids(what, ids)
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


def _ids(what: str, ids: AnyArray | Sequence[Any]) -> AnyArray:
    """Return ids as int64 or as an object array of str; DataError where they are neither."""
    # a list as it is: NumPy would make [1, "1"] two equal texts
    given = np.asarray(ids) if hasattr(ids, "__array__") else np.asarray(ids, object)
    if given.ndim != 1:
        raise DataError(
            f"{what} must be a list of ids or an array of one dimension, got "
            f"{type(ids).__name__} of {given.ndim} dimensions"
        )
    if given.dtype.kind in "UT" or all(isinstance(one, str) for one in given):
        return given.astype(object)
    with contextlib.suppress(ValueError):  # lists of several lengths
        numbers = np.asarray(given.tolist()) if given.dtype.kind == "O" else given
        kind = numbers.dtype.kind if numbers.ndim == 1 else ""
        if kind == "f" and (np.abs(numbers) < 2**53).all() and (numbers == np.rint(numbers)).all():
            return numbers.astype(np.int64)
        if kind == "i" or (kind == "u" and (numbers < 2**63).all()):
            return numbers.astype(np.int64)
    raise DataError(
        f"{what} must be whole numbers of 64 bits or text, and all of one kind, got "
        f"{clip(repr(given[:3].tolist()))}"
    )
