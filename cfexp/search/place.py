"""`Place`: where studies are kept: files in a home, and what is known of them in a storage."""

from __future__ import annotations

import importlib.util
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cfexp.addresses import ambiguity, redacted
from cfexp.errors import InputError, StudyConflictError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

DEFAULT_HOME = Path("mlruns")
NAME = "[A-Za-z0-9][A-Za-z0-9 _.-]*"
"""The pattern of a study's name: no path that leads elsewhere."""
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


@dataclass(frozen=True)
class Place:
    """A home folder and, where several machines share studies, the address of their storage.

    Without an address the storage is an SQLite file in the home. `str()` shows no password.

    Raises
    ------
    InputError
        When the address is not one of PostgreSQL, or its driver is not installed.
    """

    home: Path
    storage: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.storage is None:
            return
        scheme = self.storage.partition("://")[0]
        if scheme not in _SCHEMES or "://" not in self.storage:
            raise InputError(
                "a storage is the address of a PostgreSQL database, "
                f"postgresql://HOST/DATABASE, not {redacted(self.storage)!r}; "
                "left out, it is an SQLite file in the home"
            )
        if (wrong := ambiguity(self.storage)) is not None:
            raise InputError(f"the storage's address cannot be read: {wrong}")
        if importlib.util.find_spec("psycopg") is None:
            raise InputError(
                "a storage on PostgreSQL needs the package psycopg; "
                "install it with: pip install 'cfexp[postgres]'"
            )

    @classmethod
    def of(cls, where: Where) -> Place:
        """Return a place itself, or that of a home with its own storage."""
        return where if isinstance(where, Place) else cls(where)

    def folder(self, study: str) -> Path:
        """Return the folder of a study's files."""
        return self.home / "studies" / study

    def without(self, study: str, names: Collection[str]) -> StudyConflictError:
        """Return the error that this place has no such study, but those of `names`."""
        return StudyConflictError(
            f"there is no study {study!r} in {self}; there are: "
            f"{', '.join(names) or 'none'}{did_you_mean(study, names)}"
        )

    def __str__(self) -> str:
        return str(self.home) if self.storage is None else redacted(self.storage)


Where: TypeAlias = Path | Place
"""A home with its own storage, or a place that may name a shared one."""


def command(name: str, *arguments: object, where: Where, tracking_uri: str | None = None) -> str:
    """Return a command to be typed that finds the same studies and MLflow; without logins.

    What its environment says already is left out.
    """
    place = Place.of(where)
    flags = [] if place.home == DEFAULT_HOME else ["--home", str(place.home)]
    if tracking_uri is not None:
        flags += ["--tracking-uri", redacted(tracking_uri)]
    if place.storage not in {None, os.environ.get("CFEXP_STORAGE")}:
        flags += ["--storage", redacted(place.storage)]
    return shlex.join(["cfexp", name, *map(str, arguments), *flags])
