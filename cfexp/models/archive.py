"""The file of a saved model: arrays and a JSON header in one .npz, never a pickle."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.arrays import save_arrays
from cfexp.errors import ModelFileError

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
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ModelFileError(f"{path} is not a model saved by cfexp: not an .npz archive")
            with archive:
                arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{path} is not a model saved by cfexp, or damaged: {error}"
        ) from error
    try:
        header = json.loads(arrays.pop("header").tobytes())
        known, version = header["format"] == _FORMAT, int(header["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is not a model saved by cfexp: no header") from error
    if not known:
        raise ModelFileError(f"{path} is not a model saved by cfexp: {header['format']!r}")
    if version > _VERSION:
        raise ModelFileError(
            f"{path} has format version {version}, this cfexp reads up to {_VERSION}; "
            "install a newer cfexp"
        )
    return header, arrays
