"""Compressed files, expanded while they are read, and no further than a log expands."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa

from cfexp.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

_BEGINNINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
"""How compressed files begin, whatever they are called."""
_UNPACK = "unpack it, or compress with gzip or zstd"
_OTHERS = {
    b"PK\x03\x04": f"a ZIP archive; {_UNPACK}, or, if it is a workbook, save it as CSV",
    b"\xfd7zXZ\x00": f"an xz file; {_UNPACK}",
    b"7z\xbc\xaf": f"a 7z archive; {_UNPACK}",
    b"PAR1\x15": 'a Parquet file, which kind = "parquet" reads',
    b"SQLite f": 'an SQLite database, which kind = "database" reads',
    b"\xd0\xcf\x11\xe0": "a workbook; save it as CSV",
}
"""What files are that are no text, and what to do."""
_RATIO = 200
_FREE = 1 << 28
"""A file may expand to this many bytes, or to so many times its size where that is more."""


def codec_of(file: Path) -> str | None:
    """Return what a file is compressed with, by its first bytes; DataError for other archives."""
    with file.open("rb") as stream:
        start = stream.read(8)
    for beginning, what in _OTHERS.items():
        if start.startswith(beginning):
            raise DataError(f"{file}: this is {what}")
    return next((name for first, name in _BEGINNINGS.items() if start.startswith(first)), None)


def opened(file: Path) -> io.BufferedReader:
    """Open a file for reading, expanding it where it is compressed.

    Raises
    ------
    DataError
        While reading, when the file expands beyond what logs expand to.
    OSError
        When it cannot be read, or is damaged.
    """
    codec = codec_of(file)
    return file.open("rb") if codec is None else io.BufferedReader(_Expanding(file, codec), 1 << 20)


class _Expanding(io.RawIOBase):
    """The content of a compressed file, counted."""

    def __init__(self, file: Path, codec: str) -> None:
        self._file = file
        self._most = max(_FREE, _RATIO * file.stat().st_size)
        self._given = 0
        self._inner = pa.CompressedInputStream(pa.OSFile(str(file)), codec)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._inner.read(len(view))
        except OSError as error:
            raise DataError(
                f"{self._file}: damaged, cut short, or with something else behind it ({error}); "
                "copy or download it again"
            ) from error
        self._given += len(data)
        if self._given > self._most:
            raise DataError(
                f"{self._file}: expands to more than {self._most:,} bytes, {_RATIO} times its "
                "size or more, which no log does; should it be one, unpack it first"
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()
