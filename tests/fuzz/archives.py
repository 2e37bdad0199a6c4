"""Archives of a data set, and what becomes of them: damaged, or made by somebody who means harm."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.data.public.archives import unpack
from cfexp.errors import DownloadError, InputError
from tests.fuzz.mutations import TEXTS, damaged, pick

if TYPE_CHECKING:
    import numpy as np

WANTED = ["rows.csv", "data/more.csv"]
UNPACKED = "unpacked"
_ROWS = b"user,item\n" + b"1,2\n" * 300
_NAMES = [
    *("set/rows.csv", "set/data/more.csv", "rows.csv", "set/old/rows.csv", "readme", "set/"),
    *("../rows.csv", "/rows.csv", "set/../../data/more.csv", "C:\\rows.csv", "..\\rows.csv"),
    *("__MACOSX/set/._rows.csv", "set//rows.csv", "./set/./rows.csv", "rows.csv/", "x" * 300),
]
_MODES = [0, 0o100644, 0o120777, 0o010644, 0o040755, 0o060644]
_TYPES = [*([tarfile.REGTYPE] * 6), tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"?"]


def unpacked(folder: Path, outputs: Path) -> None:
    """Unpack a case's archive; InputError where it is refused."""
    (archive,) = folder.iterdir()
    out = outputs / UNPACKED
    try:
        unpack(archive, WANTED, out)
    except DownloadError as error:
        raise InputError(str(error)) from None
    found = {str(file.relative_to(out)) for file in out.rglob("*") if not file.is_dir()}
    if found != set(WANTED):
        raise AssertionError(f"unpacked {found}")


def archive_case(rng: np.random.Generator) -> dict[str, bytes]:
    """Return one archive, in three of four cases with members that should be in none."""
    names = ["set/rows.csv", "set/data/more.csv"]
    if rng.random() < 0.75:
        names += [pick(rng, [*_NAMES, *TEXTS]) for _ in range(rng.integers(1, 5))]
    members = [(names[place], _content(rng)) for place in rng.permutation(len(names))]
    suffix = pick(rng, [".zip", ".tar.gz", ".tar.bz2", ".tar"])
    data = _zip(rng, members) if suffix == ".zip" else _tar(rng, members)
    if rng.random() < 0.6:  # of a tar also before it is compressed, which would notice
        data = damaged(data, rng)
    compress = {".tar.gz": gzip.compress, ".tar.bz2": bz2.compress}.get(suffix, bytes)
    data = compress(data)
    if rng.random() < 0.3:
        data = damaged(data, rng)
    return {f"case{suffix}": data}


def _content(rng: np.random.Generator) -> bytes:
    return bytes(20 << 20) if rng.random() < 0.005 else _ROWS * int(rng.integers(0, 3))


def _zip(rng: np.random.Generator, members: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            info.compress_type = pick(rng, [*range(0, 15, 8), zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
            if rng.random() < 0.1:
                info.external_attr = pick(rng, _MODES) << 16
            if info.filename not in archive.NameToInfo:
                archive.writestr(info, data)
    return packed.getvalue()


def _tar(rng: np.random.Generator, members: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", errors="replace") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name.replace("\0", ""))
            info.type = pick(rng, _TYPES) if rng.random() < 0.2 else tarfile.REGTYPE
            info.linkname = pick(rng, _NAMES)
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return packed.getvalue()
