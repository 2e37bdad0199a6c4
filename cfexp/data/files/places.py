"""`Places`: where a study's data files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from cfexp.data.rows.messages import clip
from cfexp.errors import DataError


def _without_nul(path: str) -> str:
    if "\0" in path:
        raise ValueError("must be a path, which has no NUL character")
    return path


DataPath: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_without_nul)]
"""A file: relative to the study file's folder or CFEXP_DATA_DIR, absolute, or `~/...`."""


def data_dir() -> Path:
    """Return the data cache: CFEXP_DATA_DIR, or `~/.cache/cfexp` where that is not set."""
    return _at_home(os.environ.get("CFEXP_DATA_DIR") or "~/.cache/cfexp")


@dataclass(frozen=True)
class Places:
    """The two folders in which a relative path is looked for, in this order.

    `study_dir` is the study file's folder, `data_dir` the data cache, which has one
    folder per data set, laid out as its publisher lays it out.
    """

    study_dir: Path
    data_dir: Path

    def candidates(self, path: str) -> list[Path]:
        """Return where `path` is looked for; an absolute path (or `~/...`) stands for itself."""
        wanted = _at_home(path)
        return list(dict.fromkeys(folder / wanted for folder in (self.study_dir, self.data_dir)))

    def find(self, path: str) -> Path:
        """Return the file at `path`; DataError naming every place tried when there is none."""
        return self.first(self.candidates(path), f"no file {clip(path)!r}; looked for it as", _RULE)

    def find_all(self, path: str) -> list[Path]:
        """Return the file at `path`, or the files that match it, in the order of their names.

        `*`, `?`, `[...]` and `**` match as in a shell, in the first folder where anything
        does. DataError naming every place tried when there is none.
        """
        if not has_magic(path) or any(_is_file(file) for file in self.candidates(path)):
            return [self.find(path)]
        for folder in dict.fromkeys((self.study_dir, self.data_dir)):
            pattern = str(_at_home(path))
            names = glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - absolute, too
            files = sorted(folder / name for name in names)
            if files := [file for file in files if _is_file(file)]:
                return files
        tried = "\n".join(f"  {clip(str(file))}" for file in self.candidates(path))
        raise DataError(f"no file matches {clip(path)!r}; looked for it as\n{tried}\n{_RULE}")

    @staticmethod
    def first(tried: list[Path], problem: str, hint: str) -> Path:
        """Return the first of `tried` that is a file; DataError naming all where none is."""
        lines = []
        for file in tried:
            try:
                if file.is_file():
                    return file
                what = " (a folder)" if file.is_dir() else ""
            except OSError as error:  # such as a name that is too long, a folder that is closed
                what = f" ({error.strerror})"
            lines.append(f"  {clip(str(file))}{what}")
        raise DataError("\n".join([problem, *lines, hint]))


def places_of(study_dir: Path) -> Places:
    """Return where the files of a study in `study_dir` are looked for."""
    return Places(study_dir=study_dir, data_dir=data_dir())


_RULE = "(relative paths: beside the study file, then in CFEXP_DATA_DIR)"


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # such as a name that is too long
        return False


def _at_home(path: str) -> Path:
    """Return `path` with `~` or `~user` replaced by that user's home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = clip(Path(path).parts[0])
        raise DataError(
            f"{clip(path)!r}: there is no home folder to put in place of {user!r}; "
            "use ~/..., an absolute path or a relative one"
        ) from error
