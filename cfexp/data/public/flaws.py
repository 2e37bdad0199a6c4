"""Repeated rows and rows with gaps: how many a file has, and which they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from cfexp.arrays import Mask


@dataclass(frozen=True)
class Flaws:
    """Rows of a file, and those that cleaning leaves out."""

    rows: int
    gaps: int
    """Rows with an empty column."""
    repeated: int
    """Rows without gaps that are equal to an earlier one."""

    @property
    def share(self) -> float:
        """The share of rows that are left out."""
        return (self.gaps + self.repeated) / max(self.rows, 1)


def flaws(file: Path) -> Flaws:
    """Return how many rows of a comma-separated file with a header are flawed."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            file,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(strings_can_be_null=True),
        )
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    gaps, repeated = flawed(table)
    return Flaws(table.num_rows, int(gaps.sum()), int(repeated.sum()))


def flawed(table: pa.Table) -> tuple[Mask, Mask]:
    """Return which rows have an empty column, and which of the others repeat an earlier one."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    gaps = np.zeros(table.num_rows, bool)
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        gaps |= column.is_null(nan_is_null=True).to_numpy()
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            columns[name] = column.to_numpy()
            continue
        encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
        codes = encoded.unify_dictionaries().combine_chunks().indices
        columns[name] = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)
    return gaps, pd.DataFrame(columns).duplicated().to_numpy() & ~gaps
