"""A data set into the cache: downloaded, unpacked, verified, and only then put in its place."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cfexp.data.public.archives import unpack
from cfexp.data.public.checksums import KEPT, measure
from cfexp.data.public.shelf import writable
from cfexp.data.public.transfer import Patience, transfer
from cfexp.errors import DownloadError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cfexp.data.public.catalogue import Download, File
    from cfexp.data.public.shelf import Shelf
    from cfexp.data.public.transfer import Say, Watch

_SHARE = 8
"""About how many times its size an archive of text unpacks to."""


def fetch(
    shelf: Shelf,
    watch: Watch,
    say: Say,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> None:
    """Download what is missing of a data set; one process at a time.

    Raises
    ------
    InputError
        When the terms were not acknowledged.
    DownloadError
        When the transfer fails, or what came is not what was published.
    """
    dataset = shelf.dataset
    _unpack_laid(shelf, say)
    _convert(shelf, say)
    if not shelf.missing(dataset.files):
        return
    if not shelf.accepted:
        raise InputError(
            f"{dataset.name}: its terms were not acknowledged yet; "
            f"`cfexp data fetch {dataset.name}` shows them, --accept acknowledges them"
        )
    with writable(shelf.root), _alone(shelf, say):
        for download in dataset.downloads:
            if shelf.missing(download.files):
                try:
                    _one(shelf, download, watch, say, patience)
                except DownloadError as error:
                    if not all(file.optional for file in download.files):
                        raise
                    say(f"{error}\n(the data set can be read without it)")


def _unpack_laid(shelf: Shelf, say: Say) -> None:
    """Take files from archives that lie in the data set's folder already, which stay there."""

    def ready() -> list[tuple[Download, Path]]:
        laid = [(one, shelf.folder / one.name) for one in shelf.dataset.downloads]
        return [(one, file) for one, file in laid if shelf.missing(one.files) and file.is_file()]

    if not ready():
        return
    with writable(shelf.root), _alone(shelf, say):
        for download, archive in ready():  # another process may have done so meanwhile
            _take(shelf, download, archive, say)


def _convert(shelf: Shelf, say: Say) -> None:
    """Make what is made from a published file that lies in the data set's folder already."""

    def ready() -> list[File]:
        missing = shelf.missing(shelf.dataset.files)
        return [
            one for one in missing if one.made_from and (shelf.folder / one.made_from).is_file()
        ]

    if not ready():
        return
    with writable(shelf.root), _alone(shelf, say):
        for file in ready():  # another process may have made it meanwhile
            with _staging(shelf) as folder:
                shutil.copyfile(shelf.folder / file.published, folder / file.published)
                _place(shelf, folder, [file], say)


def _one(shelf: Shelf, download: Download, watch: Watch, say: Say, patience: Patience) -> None:
    archive = shelf.work / download.name
    _room(shelf, download)
    try:
        transfer(download.url, archive, download.most, watch=watch, say=say, patience=patience)
    except DownloadError as error:
        by_hand = f"{download.name} from {shelf.dataset.page} may be laid into {shelf.folder}"
        raise DownloadError(f"{error}\n({by_hand})") from error
    try:
        _take(shelf, download, archive, say)
    finally:
        archive.unlink(missing_ok=True)


def _take(shelf: Shelf, download: Download, archive: Path, say: Say) -> None:
    """Put the files of an archive that are missing in their places."""
    say(f"{download.name}: unpacking and verifying")
    with _staging(shelf) as folder:
        _verify_archive(archive, download)
        missing = shelf.missing(download.files)  # what a user laid there stays
        unpack(archive, [file.published for file in missing], folder)
        _place(shelf, folder, missing, say)


def _place(shelf: Shelf, folder: Path, files: Iterable[File], say: Say) -> None:
    """Verify files, and only when all are right, move them to where they are looked for."""
    found = {file.path: _verified(folder, file, shelf, say) for file in files}
    for path in found:
        place = shelf.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / path).replace(place)
    shelf.keep(found)


def _verify_archive(archive: Path, download: Download) -> None:
    if download.checksum is not None:
        found = measure(archive, download.checksum)
        if not found.agrees(download.checksum):
            _refuse(archive.name, download.checksum, found.checksums)


def _verified(folder: Path, file: File, shelf: Shelf, say: Say) -> str:
    """Return the file's checksum; DownloadError where it is not the file that was published."""
    expected = file.checksum or shelf.kept.get(file.path)
    found = measure(folder / file.published, *([expected] if expected else []))
    if expected and not found.agrees(expected):
        _refuse(file.published, expected, found.checksums)
    if file.made_from:
        from cfexp.data.public.workbook import to_parquet

        say(f"{file.made_from} is converted to {file.path}; half a minute, once")
        to_parquet(folder / file.made_from, folder / file.path)
        found = measure(folder / file.path)
    rows = count_rows(folder / file.path, file, found.lines)
    if file.rows not in {None, rows}:
        raise DownloadError(f"{file.path}: {rows:,} rows, where {file.rows:,} were published")
    return found.checksums[KEPT]


def count_rows(path: Path, file: File, lines: int) -> int:
    """Return the rows of a file that has so many lines."""
    if path.suffix != ".parquet":
        return lines - file.header
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _refuse(name: str, expected: str, found: dict[str, str]) -> None:
    own = found[expected.partition(":")[0]]
    raise DownloadError(
        f"{name}: not the file that was published: its checksum is {own}, expected {expected}; "
        "nothing was kept. Try again; if it stays so, the publisher has changed the file"
    )


def _room(shelf: Shelf, download: Download) -> None:
    shelf.work.mkdir(parents=True, exist_ok=True)
    if download.size is None:
        return
    free, needed = shutil.disk_usage(shelf.work).free, download.size * (1 + _SHARE)
    if free < needed:
        raise DownloadError(
            f"{shelf.root}: {free >> 20:,} MiB are free, and {download.name} needs about "
            f"{needed >> 20:,} MiB, unpacked files included; free some, or set CFEXP_DATA_DIR"
        )


@contextmanager
def _staging(shelf: Shelf) -> Iterator[Path]:
    """Yield a new folder, on the cache's own disk so that files can be moved from it."""
    shelf.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf.work, prefix="unpacked-") as name:
        yield Path(name)


@contextmanager
def _alone(shelf: Shelf, say: Say) -> Iterator[None]:
    """Hold the data set's lock; a process that dies lets go of it."""
    shelf.work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(shelf.work / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is downloading {shelf.dataset.name}; waiting for it")
        lock.acquire()
    try:
        for left in shelf.work.glob("unpacked-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()
