"""Prepared data kept in a study's folder, so that its second start reads no row again.

The folder `stages` holds the matrices as `save_stages` lays them out, memory-mapped by all who
compute, with the ids and what is known of users. `prepared.json`, written last, says what they
were made of: a hash of the content of every file read, of the settings and of cfexp's own code,
and the digest of everything in the folder. Where anything differs, the data are prepared anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cfexp
from cfexp.data.places import places_of
from cfexp.errors import DataError
from cfexp.parallel import cores
from cfexp.splits.stage_data import save_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cfexp.search.prepare import Prepared
    from cfexp.search.spec import StudySpec

_NAME = "prepared.json"
_CODE = ("arrays.py", "data", "splits", "search/prepare.py", "search/kept.py")
_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy")


def content_key(spec: StudySpec) -> str | None:
    """Return a hash of all that a study's prepared data follow from, None where it is not known.

    That is so of sources that are no files (a database, a frame, made-up data), and of files
    that cannot be read, whose error is for whoever reads them.
    """
    try:
        files = spec.data.files(places_of(spec.folder))
        if files is None:
            return None
        contents = _digests(files)
    except (DataError, OSError):
        return None
    science = spec.model_dump(mode="json", exclude={"name", "description", "search", "finals"})
    package = Path(cfexp.__file__).parent
    code = [file for name in _CODE for file in (package / name, *(package / name).rglob("*.py"))]
    origin = {
        "files": [[file.name, contents[file]] for file in files],
        "science": science,
        "code": [*_digests(file for file in sorted(set(code)) if file.is_file()).values()],
        "libraries": [version(name) for name in _LIBRARIES],
    }
    return hashlib.blake2b(json.dumps(origin, sort_keys=True).encode(), digest_size=16).hexdigest()


def kept(folder: Path, key: str | None) -> dict[str, Any] | None:
    """Return the facts of data that were kept under `key`, None where they are not whole."""
    try:
        about = json.loads((folder / _NAME).read_text())
        if key is None or about["key"] != key:
            return None
        if {file.name: one for file, one in _held(folder).items()} != about["files"]:
            return None
        facts: dict[str, Any] = about["facts"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts


def keep(prepared: Prepared, spec: StudySpec, folder: Path, key: str | None) -> dict[str, Any]:
    """Write what a study needs of its data to `folder`, and return the facts for its store.

    Without a key it is not to be found again.
    """
    # files that somebody has mapped stay theirs: new ones are made, none is overwritten
    shutil.rmtree(folder, ignore_errors=True)
    save_stages(list(prepared.stages.values()), folder)
    prepared.save_attributes(spec, folder / "users.npz")
    prepared.save_vocabulary(folder / "vocabulary.npz")
    facts = prepared.facts(spec)
    if key is not None and content_key(spec) == key:  # else a file changed while it was read
        files = {file.name: one for file, one in _held(folder).items()}
        partial = folder / f".{_NAME}.partial"
        partial.write_text(json.dumps({"key": key, "facts": facts, "files": files}))
        partial.replace(folder / _NAME)
    return facts


def discard(folder: Path) -> None:
    """Remove data that will not be found again."""
    if not (folder / _NAME).is_file():
        shutil.rmtree(folder, ignore_errors=True)


def _held(folder: Path) -> dict[Path, str]:
    return _digests(file for file in sorted(folder.iterdir()) if _NAME not in file.name)


def _digests(files: Iterable[Path]) -> dict[Path, str]:
    """Return a hash of the content of each file, by as many threads as there are cores."""
    files = list(files)
    with ThreadPoolExecutor(cores()) as pool:
        return dict(zip(files, pool.map(_digest, files), strict=True))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
