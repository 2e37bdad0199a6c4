"""Files out of an archive, one named member at a time.

Nothing is extracted but the files that are wanted, to names of our own. An archive is
refused as a whole when any member would leave its folder, is a link or a device, or when it
unpacks to more than `_RATIO` times its size (text shrinks to a fifth at best; a bomb to a
thousandth).
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from cfexp.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterable

_RATIO = 60
_ROOM = 16 << 20  # bytes that even a tiny archive may unpack to
_MEMBERS = 100_000
_BLOCK = 1 << 20
_ENCRYPTED = 0x1
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    gzip.BadGzipFile,
    NotImplementedError,  # a compression that Python does not know
    UnicodeError,
)


def unpack(archive: Path, wanted: Iterable[str], folder: Path) -> None:
    """Write the `wanted` files of a .zip, .tar.gz, .tar.bz2, .gz or .bz2, or a plain file.

    A member is the file whose path ends in the wanted one, whatever folders are above it;
    the one with the fewest, where there are several.

    Raises
    ------
    DownloadError
        When the archive is damaged, unsafe, too large, or lacks a file.
    """
    name = archive.name.lower()
    wanted = list(wanted)
    limit = _Limit(archive, _ROOM + _RATIO * archive.stat().st_size)
    try:
        if name.endswith(".zip"):
            found = _zip(archive, wanted, folder, limit)
        elif name.endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar")):
            found = _tar(archive, wanted, folder, limit)
        else:
            opened = gzip.open if name.endswith(".gz") else bz2.open
            plain = not name.endswith((".gz", ".bz2"))
            with archive.open("rb") if plain else opened(archive) as stream:
                found = [_write(stream, wanted[0], folder, limit)]
    except _DAMAGED as error:
        raise DownloadError(f"{archive.name}: a damaged archive: {error}") from error
    except OSError as error:
        if error.errno in {None, errno.EINVAL}:  # bz2's way of saying so, and that of seeking
            raise DownloadError(f"{archive.name}: a damaged archive: {error}") from error
        raise
    if absent := [one for one in wanted if one not in found]:
        raise DownloadError(f"{archive.name}: the archive holds no file {absent[0]!r}")


class _Limit:
    """How many bytes may still be unpacked."""

    def __init__(self, archive: Path, most: int) -> None:
        self._archive, self._most, self._left = archive.name, most, most

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise DownloadError(
                f"{self._archive}: unpacks to more than {self._most:,} bytes, {_RATIO} times "
                "its size; refused"
            )


class _Counted:
    """A stream whose bytes count, also those of members that are passed over."""

    def __init__(self, stream: IO[bytes], limit: _Limit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._limit.take(len(block))
        return block


def _zip(archive: Path, wanted: list[str], folder: Path, limit: _Limit) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _few(archive, len(members))
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            regular = kind in {0, stat.S_IFREG, stat.S_IFDIR}
            _safe(archive, member.filename, regular=regular)
        chosen = _chosen([one.filename for one in members], wanted)
        for path, name in chosen.items():
            if opened.getinfo(name).flag_bits & _ENCRYPTED:
                raise DownloadError(f"{archive.name}: {name!r} is encrypted")
            with opened.open(name) as stream:
                _write(stream, path, folder, limit)
    return list(chosen)


def _tar(archive: Path, wanted: list[str], folder: Path, limit: _Limit) -> list[str]:
    name = archive.name.lower()
    opened: Any = bz2.open if name.endswith(".bz2") else gzip.open
    depths: dict[str, int] = {}
    with archive.open("rb") if name.endswith(".tar") else opened(archive) as raw:
        counted = cast("IO[bytes]", _Counted(raw, limit))
        with tarfile.open(fileobj=counted, mode="r|") as tar:
            for number, member in enumerate(tar):
                _few(archive, number)
                _safe(archive, member.name, regular=member.isreg() or member.isdir())
                depth = member.name.count("/")
                for path in _chosen([member.name], wanted) if member.isreg() else ():
                    if depth < depths.get(path, depth + 1):
                        _write(tar.extractfile(member), path, folder, None)
                        depths[path] = depth
    return list(depths)


def _few(archive: Path, count: int) -> None:
    if count > _MEMBERS:
        raise DownloadError(f"{archive.name}: more than {_MEMBERS:,} members; refused")


def _safe(archive: Path, name: str, *, regular: bool) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.split("/", maxsplit=1)[0]:
        raise DownloadError(f"{archive.name}: the member {name!r} would leave its folder; refused")
    if not regular:
        raise DownloadError(f"{archive.name}: the member {name!r} is a link or no file; refused")


def _chosen(names: list[str], wanted: list[str]) -> dict[str, str]:
    """Return the member of each wanted path that there is."""
    chosen = {}
    for path in wanted:
        fitting = [name for name in names if f"/{name.removeprefix('./')}".endswith(f"/{path}")]
        if fitting:
            chosen[path] = min(fitting, key=lambda name: (name.count("/"), name))
    return chosen


def _write(stream: Any, path: str, folder: Path, limit: _Limit | None) -> str:  # noqa: ANN401
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        source = stream if limit is None else _Counted(stream, limit)
        shutil.copyfileobj(source, out, _BLOCK)
    return path
