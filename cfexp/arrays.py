"""Names for the array types that cross module borders, and how arrays are made and kept."""

from __future__ import annotations

import math
import os
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cfexp.errors import DataError
from cfexp.memory import needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
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


def save_arrays(path: Path, arrays: Mapping[str, AnyArray], *, compressed: bool = False) -> None:
    """Write an .npz without objects; the file appears whole or not at all.

    Text is stored as unicode, which needs no pickle.
    """
    plain = {
        name: as_text(array, name) if array.dtype.kind == "O" else array
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


def as_text(texts: AnyArray | Sequence[str], name: str) -> AnyArray:
    """Return texts as NumPy keeps them: each takes the room of the longest."""
    longest = max((len(str(one)) for one in texts), default=1)
    hint = f"one of them has {longest:,} characters, and each takes the room of the longest"
    needs(f"the text of {name!r}", 4 * longest * len(texts), hint)
    return np.asarray(texts, np.str_)


def load_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, AnyArray]:
    """Read what `save_arrays` wrote: all arrays, or those of `names` that there are.

    Whoever wrote the file, reading it executes and unpickles nothing, and takes no more
    memory than there is: what is declared must agree with itself and fit before it is read.

    Raises
    ------
    DataError
        When there is no such file, or it is anything but arrays of numbers and text.
    """
    if not path.is_file():  # to open a pipe would wait for a writer
        raise DataError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {_array_name(member): member for member in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise ValueError("two arrays have the same name")  # noqa: TRY301 - as NumPy's
            wanted = list(members if names is None else set(names) & set(members))
            size = sum(members[name].file_size for name in wanted)
            needs(f"what {path} declares", size, "was it made by cfexp?")
            return {name: _array(archive, members[name]) for name in wanted}
    except (ValueError, OSError, EOFError, *_ZIP_ERRORS) as error:
        raise DataError(f"{path} is damaged, or no file of cfexp's arrays: {error}") from error


_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error),
    *(RuntimeError, NotImplementedError),  # of members that are encrypted, or packed otherwise
)
_SUFFIX = ".npy"
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|][biufU]\d{1,9})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n"
)
_CHUNK = 1 << 20


def _array_name(member: zipfile.ZipInfo) -> str:
    if not member.filename.endswith(_SUFFIX):
        raise ValueError(f"{member.filename!r} is no array")
    return member.filename.removesuffix(_SUFFIX)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> AnyArray:
    """Return one array, whose header is matched and not evaluated, as NumPy's own reader does."""
    with archive.open(member) as file:
        start = file.read(len(_MAGIC) + 2)
        length = int.from_bytes(start[len(_MAGIC) :], "little")
        found = _HEADER.fullmatch(file.read(length))
        if not start.startswith(_MAGIC) or found is None:
            raise ValueError(f"{member.filename} is no array of numbers or text")
        kind, order, shape = (part.decode() for part in found.groups())
        sides = tuple(int(side) for side in shape.replace(",", " ").split())
        dtype = np.dtype(kind)
        if math.prod(sides) * dtype.itemsize != member.file_size - len(start) - length:
            raise ValueError(
                f"{member.filename} declares {sides} of {kind}, which it does not hold"
            )
        array = np.empty(math.prod(sides), dtype)
        left: AnyArray = array.view(np.uint8) if array.nbytes else np.empty(0, np.uint8)
        while part := file.read(_CHUNK):  # to the end, where the checksum is compared
            left[: len(part)] = np.frombuffer(part, np.uint8)
            left = left[len(part) :]
        if len(left):
            raise EOFError(f"{member.filename} ends early")
    if dtype.kind == "U" and not _is_text(array):
        raise ValueError(f"{member.filename} holds text with characters that do not exist")
    return array.reshape(sides, order="F" if order == "True" else "C")


def _is_text(array: AnyArray) -> bool:
    codes = array.view(np.uint32) if array.nbytes else np.zeros(0, np.uint32)
    surrogate = (codes >= 0xD800) & (codes <= 0xDFFF)  # noqa: PLR2004 - of Unicode
    return not (surrogate.any() or (codes > 0x10FFFF).any())  # noqa: PLR2004


def is_whole(path: Path) -> bool:
    """Return whether an .npz file is there and every part of it has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return False
