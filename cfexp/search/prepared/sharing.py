"""Prepared data that all studies of a home share: `HOME/prepared/KEY`, a folder for each content.

A study notes in its own folder which of them it uses, before it does. What no study of the home
notes any more is removed when one starts or is deleted. All of this happens under one lock, which
is held for moments; data are prepared, compared and mapped outside of it. Only what was found
damaged is looked at again under it, for another process may have replaced it meanwhile.
"""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cfexp.errors import InputError
from cfexp.search.prepared.kept import is_kept, kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOTE = "prepared"
_FOLDER = re.compile(r"\.?[0-9a-f]{32}")


def shared(home: Path, key: str) -> Path:
    """Return where a home has the data that are kept under `key`."""
    return (home / "prepared" / key).resolve()


def use(home: Path, name: str, key: str) -> bool:
    """Note that a study, whose lock the caller holds, uses shared data from now on.

    False where they have been removed meanwhile.
    """
    with _changing(home):
        _note(home, name, key)
        _sweep(home)
        return is_kept(shared(home, key))


def share(home: Path, name: str, key: str, folder: Path) -> Path:
    """Move data that were kept in `folder` to where all studies find them; `use` them there.

    Those that another process has put there first stay, if they are whole.
    """
    target = shared(home, key)
    with _changing(home):
        _note(home, name, key)  # from here on nobody sweeps them
        _sweep(home)
    if kept(target, key) is not None:
        return target
    with _changing(home):
        damaged = target.with_name(f".{key}")
        if target.exists() and kept(target, key) is None:
            target.rename(damaged)  # whoever has it mapped keeps what is mapped
        if not target.exists():
            shutil.move(folder, target)
        shutil.rmtree(damaged, ignore_errors=True)
    return target


def sweep(home: Path) -> None:
    """Remove the shared data that no study of the home uses."""
    if (home / "prepared").is_dir():
        with _changing(home):
            _sweep(home)


def used_alone(home: Path, name: str) -> list[Path]:
    """Return the shared data that no study of the home but this one uses."""
    return _unused(home, but=name)


def _note(home: Path, name: str, key: str) -> None:
    note = home / "studies" / name / _NOTE
    partial = note.with_name(f".{_NOTE}.partial")
    partial.write_text(f"{key}\n")
    partial.replace(note)


def _sweep(home: Path) -> None:
    for folder in _unused(home):
        shutil.rmtree(folder, ignore_errors=True)


def _unused(home: Path, but: str = "") -> list[Path]:
    used = set()
    try:
        for note in (home / "studies").glob(f"[!.]*/{_NOTE}"):
            if note.parent.name != but:
                with suppress(FileNotFoundError):  # of a study that is deleted meanwhile
                    used.add(note.read_text().strip())
    except OSError:  # what cannot be read may name any
        return []
    folders = (home / "prepared").glob("*")
    return [one for one in folders if _FOLDER.fullmatch(one.name) and one.name not in used]


@contextmanager
def _changing(home: Path) -> Iterator[None]:
    from filelock import FileLock

    try:
        for folder in (home / "locks", home / "prepared"):
            folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / "locks" / "prepared.lock")
        lock.acquire()
    except OSError as error:
        raise InputError(f"the home {home} cannot be written: {error}") from None
    try:
        yield
    finally:
        lock.release()
