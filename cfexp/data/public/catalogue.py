"""The catalogue: what is known of every public data set, read from `catalogue.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from cfexp.errors import InputError, did_you_mean
from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

Checksum = Annotated[
    str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|git:[0-9a-f]{40})$")
]
MOST_UNKNOWN = 4 << 30
"""Bytes that are downloaded at most where the publisher states no size."""


class Terms(Recipe):
    """What a user agrees to: one for all data sets of a publisher."""

    licence: str
    """A few words, for tables."""
    text: str
    """What the publisher asks for; shown before anything is downloaded."""
    citation: str
    """What publications should cite."""


class File(Recipe):
    """One file of a data set, as it lies in the data set's folder."""

    path: str
    """Relative to the data set's folder."""
    rows: Annotated[int, Field(ge=1)] | None = None
    """Published number of rows, without the header."""
    header: bool = False
    """Whether the first line names columns."""
    checksum: Checksum | None = None
    """That of the file; of `made_from` where there is one."""
    made_from: str | None = None
    """The published file that this one is converted from when it is fetched."""
    optional: bool = False
    """Whether the data set can be read without it."""
    clean: bool = False
    """Whether repeated rows and rows with gaps are counted."""

    @property
    def published(self) -> str:
        """The file's name in the archive."""
        return self.made_from or self.path


class Download(Recipe):
    """One archive, or one plain file, and what comes of it."""

    url: str
    """Where the publisher has it."""
    files: tuple[File, ...]
    """What is taken from it."""
    size: Annotated[int, Field(ge=1)] | None = None
    """Its bytes."""
    checksum: Checksum | None = None
    """That of the archive, or of the plain file where its `File` has none."""

    @property
    def name(self) -> str:
        """The name of the archive."""
        return self.url.rsplit("/", 1)[1]

    @property
    def most(self) -> int:
        """How many bytes are downloaded at most."""
        return self.size or MOST_UNKNOWN


class Dataset(Recipe):
    """One public data set."""

    name: str
    """What commands call it."""
    title: str
    """What people call it."""
    about: str
    """One line."""
    study: dict[str, str]
    """Its `[data]` in a study file."""
    page: str
    """Where the publisher describes it."""
    terms: Terms
    """What a user agrees to."""
    origin: str
    """Where checksums and counts come from."""
    folders: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names it is found under in the data cache; the first is the one that is made."""
    downloads: tuple[Download, ...]
    """Where its files come from."""
    rows: int | None = None
    """Interactions, as published."""
    users: int | None = None
    """Users, as published."""
    items: int | None = None
    """Items, as published."""

    @property
    def files(self) -> Iterator[File]:
        """Every file."""
        return (file for download in self.downloads for file in download.files)

    @property
    def size(self) -> int | None:
        """Bytes of all downloads; None where the publisher states none."""
        sizes = [download.size for download in self.downloads]
        return None if None in sizes else sum(size or 0 for size in sizes)


@cache
def catalogue() -> dict[str, Dataset]:
    """Return every data set by its name."""
    raw = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))
    return {
        name: Dataset.model_validate({**one, "name": name, "terms": raw["terms"][one["terms"]]})
        for name, one in raw["datasets"].items()
    }


def named(name: str) -> Dataset:
    """Return the data set of this name; InputError where there is none."""
    known = catalogue()
    if name not in known:
        raise InputError(
            f"no data set is called {name!r}; the names are {', '.join(known)}"
            + did_you_mean(name, known)
        )
    return known[name]
