"""Names for the array types that cross module borders, and how arrays are made and kept."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cfexp.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Codes: TypeAlias = NDArray[np.int32]
"""User or item codes: positions in a `Vocabulary`."""
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Longs: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]
Matrix: TypeAlias = sparse.csr_array
"""A users x items (or, transposed, items x users) matrix; float32 values, sorted indices."""


def frozen(array: AnyArray) -> AnyArray:
    """Return a read-only view of `array`; the caller must not keep a writable one."""
    view = array.view()
    view.flags.writeable = False
    return view


def entries(matrix: Any) -> tuple[AnyArray, AnyArray, AnyArray]:  # noqa: ANN401 - like CSR
    """Return (indptr, indices, values) of a CSR matrix, read-only, as compiled loops take them."""
    return (
        frozen(np.asarray(matrix.indptr, np.int64)),
        frozen(np.asarray(matrix.indices, np.int32)),
        frozen(np.asarray(matrix.data, np.float32)),
    )


def csr(rows: AnyArray, columns: AnyArray, values: AnyArray, shape: tuple[int, int]) -> Matrix:
    """Return a canonical float32 CSR matrix: indices sorted, duplicates summed."""
    matrix = sparse.csr_array((values.astype(np.float64), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix.astype(np.float32)


def save_arrays(path: Path, arrays: Mapping[str, AnyArray], *, compressed: bool = False) -> None:
    """Write an .npz without objects; the file appears whole or not at all.

    Text is stored as unicode, which needs no pickle.
    """
    plain = {
        name: array.astype(np.str_) if array.dtype.kind == "O" else array
        for name, array in arrays.items()
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save = np.savez_compressed if compressed else np.savez
    try:
        with partial.open("wb") as file:
            save(file, allow_pickle=False, **plain)
            file.flush()
            os.fsync(file.fileno())  # the name must not reach the disk before what it names
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_arrays(path: Path) -> dict[str, AnyArray]:
    """Return all arrays that `save_arrays` wrote; nothing is unpickled.

    Raises
    ------
    StorageError
        When the file is damaged.
    """
    try:
        # NumPy would leave the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise StorageError(
            f"{path} is damaged: {error}; `cfexp run` on the study's file writes it again"
        ) from error


def is_whole(path: Path) -> bool:
    """Return whether an .npz file is there and every part of it has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return False
