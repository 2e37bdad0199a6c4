"""A page taken apart, and a real study of films whose titles are hostile."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from helpers import spec_of

from cfexp.launch import run_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord

EVIL = "<script>alert(1)</script>\x1b[31m & <b>bold</b>"
TEXT = """
name = "films"
description = "Is <i>anything</i> better than popularity?"
metrics = ["recall@10", "coverage@10", "avg_popularity@10"]
[data]
kind = "csv"
path = "films.csv"
columns = { user = "user", item = "film", time = "at", title = "title" }
[split]
kind = "per_user_last"
test = 3
validation = 2
[search]
trials = 10
pruner = { kind = "median", startup = 6, warmup = 1 }
[finals]
configurations = 2
seeds = 2
[[models]]
model = { kind = "als", epochs = 4, factors = 8 }
[models.space]
factors = { kind = "int", low = 4, high = 16 }
alpha = { kind = "float", low = 0.1, high = 40.0, log = true }
[[baselines]]
model = { kind = "popularity" }
[[buckets]]
metric = "recall@10"
edges = [12]
"""


@dataclass
class Chapter:
    """A chapter's words, the rows of its tables, and how many charts it has."""

    words: str = ""
    rows: list[list[str]] = field(default_factory=list)
    charts: int = 0


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Chapter] = {}
        self.open: list[str] = []
        self.here = Chapter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.open.append(tag)
        if tag == "section" and given.get("class") == "chapter":
            self.here = self.found[str(given["id"])] = Chapter()
        self.here.charts += tag == "figure"
        if tag == "tr":
            self.here.rows.append([])
        if tag in {"td", "th"}:
            self.here.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self.open or "style" in self.open:
            return
        self.here.words += data
        if {"td", "th"} & set(self.open):
            self.here.rows[-1][-1] += data


@pytest.fixture(scope="session")
def taken_apart() -> Callable[[str], dict[str, Chapter]]:
    """Return what reads a page's chapters by their anchors."""

    def read(page: str) -> dict[str, Chapter]:
        reader = _Reader()
        reader.feed(page)
        return reader.found

    return read


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyRecord]:
    """A home, and a whole study that was run in it: two tastes among 150 people."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    rows = []
    for user in range(150):
        favourites = np.arange(40) + 30 * (user % 2)
        liked = rng.choice(favourites, size=rng.integers(8, 20), replace=False)
        rows += [(f"u{user}", f"f{film}", at) for at, film in enumerate(liked)]
    frame = pd.DataFrame(rows, columns=["user", "film", "at"])
    frame["title"] = [f"Film {film}" if film != "f35" else EVIL for film in frame["film"]]
    frame.to_csv(folder / "films.csv", index=False)
    spec = spec_of(TEXT, folder)
    home = folder / "home"
    return home, run_study(spec, home=home, track=False)
