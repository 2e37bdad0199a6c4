"""Prepared data in a folder, found again only where nothing that they follow from has changed.

The folder holds the matrices as `save_stages` lays them out, memory-mapped by all who compute,
with the ids and what is known of users. `prepared.json`, written last, says what they were made
of: a hash of the content of every file read, of the settings that matter and of cfexp's own
code, and the digest of everything in the folder. Where anything differs, data are prepared anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cfexp
from cfexp.data.files.places import places_of
from cfexp.data.side_information.attributes import Attributes
from cfexp.errors import DataError
from cfexp.parallel import cores
from cfexp.search.prepared.known import FeatureFacts, Known
from cfexp.splits.stage_data import load_stages, save_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cfexp.search.prepared.prepare import Prepared
    from cfexp.search.spec.spec import StudySpec

_NAME = "prepared.json"
_SETTINGS = {"data", "clean", "feedback", "split"}
"""The keys of a study file that its prepared data follow from; all others are checked, not kept."""
CODE = (
    *("addresses.py", "arrays.py", "errors.py", "memory.py", "parallel.py", "recipe.py"),
    *("seeds.py", "data", "splits", "search/prepared/kept.py", "search/prepared/prepare.py"),
)
"""The parts of the package that prepared data follow from."""
_LIBRARIES = ("numba", "numpy", "pandas", "pyarrow", "scipy")


@dataclass(frozen=True, eq=False)
class Kept:
    """Data that were found: where, what is known of them, and the facts that all studies share."""

    folder: Path
    key: str
    known: Known
    shared_facts: dict[str, Any]

    def facts(self, spec: StudySpec) -> dict[str, Any]:
        """Return what `Prepared.facts` does."""
        return self.shared_facts | self.known.facts(spec)


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
    package = Path(cfexp.__file__).parent
    code = [file for name in CODE for file in (package / name, *(package / name).rglob("*"))]
    code = [file for file in sorted(set(code)) if file.suffix in {".py", ".toml"}]
    origin = {
        # a path says, with the settings, what a file is read as: for training or as test, say
        "files": [[str(file.absolute()), contents[file]] for file in files],
        "settings": spec.model_dump(mode="json", include=_SETTINGS),
        "code": [*_digests(code).values()],
        "python": platform.python_version(),
        "libraries": [version(name) for name in _LIBRARIES],
    }
    return hashlib.blake2b(json.dumps(origin).encode(), digest_size=16).hexdigest()


def kept(folder: Path, key: str) -> Kept | None:
    """Return data that were kept under `key`, None where they are not whole."""
    try:
        about = json.loads((folder / _NAME).read_text())
        if about["key"] != key:
            return None
        if {file.name: one for file, one in _held(folder).items()} != about["files"]:
            return None
        features = about["features"]
        known = Known(
            stages=load_stages(folder),
            attributes=Attributes.load(folder / "users.npz"),
            features=None if features is None else FeatureFacts(**features),
        )
        return Kept(folder, key, known, about["facts"])
    except (DataError, OSError, ValueError, KeyError, TypeError):
        return None


def keep(prepared: Prepared, spec: StudySpec, folder: Path, key: str | None) -> dict[str, Any]:
    """Write what studies need of their data to `folder`, and return the facts for the store.

    Without a key they are not to be found again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    save_stages(list(prepared.stages.values()), folder)
    prepared.known.attributes.save(folder / "users.npz")
    prepared.save_vocabulary(folder / "vocabulary.npz")
    facts, features = prepared.shared_facts(), prepared.known.features
    if key is not None and content_key(spec) == key:  # else a file changed while it was read
        about = {
            "key": key,
            "facts": facts,
            "features": features and dataclasses.asdict(features),
            "files": {file.name: one for file, one in _held(folder).items()},
        }
        partial = folder / f".{_NAME}.partial"
        partial.write_text(json.dumps(about))
        partial.replace(folder / _NAME)
    return facts | prepared.known.facts(spec)


def is_kept(folder: Path) -> bool:
    """Return whether the data in `folder` are to be found again."""
    return (folder / _NAME).is_file()


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
