"""`Shelf`: one data set's place in the data cache, and what is remembered of it.

Whatever is under way lies in `.cfexp/NAME/` of the cache: the part of a download that came
so far, and files being unpacked. In the data set's own folder files appear whole and
verified, or not at all. `.cfexp/NAME.json` remembers when the terms were acknowledged and
the checksums of the first download; it is changed under `.cfexp/lock`, held for moments.
"""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from cfexp.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cfexp.data.public.catalogue import Dataset, File

State = Literal["present", "partial", "absent"]


@dataclass(frozen=True)
class Shelf:
    """Where a data set lies in the cache `root`, or would."""

    dataset: Dataset
    root: Path

    @property
    def folder(self) -> Path:
        """The data set's folder: the first that holds a file of it, else the one to be made."""
        folders = [self.root / name for name in self.dataset.folders]
        held = (one for one in folders if any((one / f.path).is_file() for f in self.dataset.files))
        return next(held, folders[0])

    @property
    def work(self) -> Path:
        """The folder of what is under way."""
        return self.root / ".cfexp" / self.dataset.name

    @property
    def state(self) -> State:
        """Whether all needed files are there, some (or a part of the download), or none."""
        folder = self.folder
        there = [(folder / file.path).is_file() for file in self.dataset.files if not file.optional]
        if all(there):
            return "present"
        return "partial" if any(there) or any(self.work.glob("*.partial")) else "absent"

    def missing(self, files: Iterable[File]) -> list[File]:
        """Return those of `files` that are not there."""
        return [file for file in files if not (self.folder / file.path).is_file()]

    @property
    def accepted(self) -> bool:
        """Whether somebody acknowledged these very terms."""
        return bool(self._record().get("accepted", {}).get(self.dataset.terms.text))

    def accept(self) -> None:
        """Remember that the terms were acknowledged."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._changing() as record:
            record["accepted"] = {self.dataset.terms.text: now}

    @property
    def kept(self) -> dict[str, str]:
        """The checksums of the first download, by path."""
        return dict(self._record().get("files", {}))

    def keep(self, checksums: dict[str, str]) -> None:
        """Remember the checksums of files that were downloaded."""
        with self._changing() as record:
            record["files"] = record.get("files", {}) | checksums

    @property
    def _memory(self) -> Path:
        return self.root / ".cfexp" / f"{self.dataset.name}.json"

    def _record(self) -> dict[str, Any]:
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise DownloadError(f"{self._memory}: cannot be read: {error}; remove it") from error
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """Yield what is remembered, to be changed; no other process changes it meanwhile."""
        from filelock import FileLock

        with writable(self.root):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._memory.with_name("lock")):
                record = self._record()
                yield record
                draft = self._memory.with_suffix(".partial")
                draft.write_text(json.dumps(record, indent=2), encoding="utf-8")
                draft.replace(self._memory)


@contextmanager
def writable(root: Path) -> Iterator[None]:
    """Turn what goes wrong in writing to the cache into a DownloadError."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            problem = "no room is left on the disk; free some, or set CFEXP_DATA_DIR"
        else:
            problem = f"cannot be written ({error}); set CFEXP_DATA_DIR to a folder of your own"
        raise DownloadError(f"{root}: {problem}") from error
