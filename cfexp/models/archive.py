"""The file of a saved model: arrays and a JSON header in one .npz, never a pickle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.arrays import load_arrays, save_arrays
from cfexp.errors import DataError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cfexp.arrays import AnyArray

_FORMAT = "cfexp model"
_VERSION = 1


def write(path: Path, header: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> None:
    """Write `arrays` and `header`; the file appears whole or not at all."""
    text = json.dumps({"format": _FORMAT, "version": _VERSION, **header})
    save_arrays(path, {"header": np.frombuffer(text.encode(), np.uint8), **arrays})


def read(path: Path) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Return the header and the arrays that `write` wrote.

    Raises
    ------
    ModelFileError
        When the file is absent, foreign, damaged or of a newer version.
    """
    if not path.is_file():
        raise ModelFileError(f"there is no model file {path}")
    try:
        first = load_arrays(path, ["header"])  # so that another's archive is not read
        header = json.loads(first["header"].tobytes())
        known, version = header["format"] == _FORMAT, int(header["version"])
    except DataError as error:
        raise ModelFileError(f"not a model saved by cfexp: {error}") from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"{path} is not a model saved by cfexp: no header") from error
    if not known:
        raise ModelFileError(f"{path} is not a model saved by cfexp: {header['format']!r}")
    if version > _VERSION:
        raise ModelFileError(
            f"{path} has format version {version}, this cfexp reads up to {_VERSION}; "
            "install a newer cfexp"
        )
    try:
        arrays = load_arrays(path)
    except DataError as error:
        raise ModelFileError(f"a model that cannot be read: {error}") from error
    del arrays["header"]
    return header, arrays
