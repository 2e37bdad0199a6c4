"""What is in the cache against what was published: checksums, rows, and dirt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cfexp.data.public.checksums import measure
from cfexp.data.public.fetch import count_rows
from cfexp.data.public.flaws import Flaws, flaws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.data.public.catalogue import File
    from cfexp.data.public.shelf import Shelf

Verdict = Literal["published", "as first downloaded", "not verified", "differs", "missing"]


@dataclass(frozen=True)
class Checked:
    """One file, as it was found."""

    path: str
    verdict: Verdict
    """`published`: its checksum is the publisher's; `not verified`: none is known."""
    rows: int | None = None
    expected_rows: int | None = None
    checksum: str | None = None
    flaws: Flaws | None = None
    """Repeated rows and rows with gaps, where reading leaves them out."""
    optional: bool = False

    @property
    def wrong(self) -> bool:
        """Whether the file is not what it should be."""
        rows = self.rows is not None and self.expected_rows not in {None, self.rows}
        return (
            rows or self.verdict == "differs" or (self.verdict == "missing" and not self.optional)
        )


def check(shelf: Shelf) -> Iterator[Checked]:
    """Yield what is found of each file of a data set."""
    kept = shelf.kept
    for file in shelf.dataset.files:
        yield _checked(shelf, file, kept.get(file.path))


def _checked(shelf: Shelf, file: File, kept: str | None) -> Checked:
    path = shelf.folder / file.path
    if not path.is_file():
        return Checked(file.path, "missing", expected_rows=file.rows, optional=file.optional)
    published = None if file.made_from else file.checksum
    expected = published or kept
    found = measure(path, *([expected] if expected else []))
    verdict: Verdict = "not verified"
    if expected is not None:
        same: Verdict = "published" if published else "as first downloaded"
        verdict = same if found.agrees(expected) else "differs"
    return Checked(
        file.path,
        verdict,
        count_rows(path, file, found.lines),
        file.rows,
        found.checksums["sha256"],
        flaws(path) if file.clean else None,
    )
