"""`Places`: where a study's data files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cfexp.errors import DataError


def data_dir() -> Path:
    """Return the data cache: CFEXP_DATA_DIR, or `~/.cache/cfexp` where that is not set."""
    return Path(os.environ.get("CFEXP_DATA_DIR") or "~/.cache/cfexp").expanduser()


@dataclass(frozen=True)
class Places:
    """The two folders in which a relative path is looked for, in this order.

    `study_dir` is the study file's folder, `data_dir` the data cache, which has one
    folder per data set, laid out as its publisher lays it out.
    """

    study_dir: Path
    data_dir: Path

    @classmethod
    def beside(cls, study_file: Path) -> Places:
        """Return the places of a study file: its folder, then the data cache."""
        return cls(study_file.resolve().parent, data_dir())

    def candidates(self, path: str) -> list[Path]:
        """Return where `path` is looked for; an absolute path (or `~/...`) stands for itself."""
        wanted = Path(path).expanduser()
        return list(dict.fromkeys(folder / wanted for folder in (self.study_dir, self.data_dir)))

    def find(self, path: str) -> Path:
        """Return the file at `path`; DataError naming every place tried when there is none."""
        tried = self.candidates(path)
        for file in tried:
            if file.is_file():
                return file
        places = "\n".join(f"  {file}{' (a folder)' if file.is_dir() else ''}" for file in tried)
        raise DataError(
            f"no file {path!r}; looked for it as\n{places}\n"
            "(relative paths: beside the study file, then in CFEXP_DATA_DIR)"
        )
