"""Fetching a data set: its terms first, then the download, with its progress."""

from __future__ import annotations

import sys
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from cfexp.cli.failures import resumed_by
from cfexp.cli.transfers import Transfers
from cfexp.data.files.places import Places, data_dir
from cfexp.data.public.fetch import fetch
from cfexp.data.public.shelf import Shelf
from cfexp.data.public.source import PublicSource
from cfexp.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from cfexp.search.spec.spec import StudySpec


def fetch_missing(spec: StudySpec, console: Console) -> None:
    """Download the study's data set where it has one that is not here and its terms are agreed to.

    Somebody at a terminal is asked; elsewhere reading the data will say what is missing.
    """
    source = spec.data
    if not isinstance(source, PublicSource):
        return
    shelf = Shelf(source.dataset, data_dir())
    needed = next(file for file in source.dataset.files if not file.optional)
    beside = source.candidates(Places(spec.folder, data_dir()), needed.path)
    if any(file.is_file() for file in beside) or not (shelf.accepted or _somebody()):
        return
    get(shelf, console, accept=False)


def get(shelf: Shelf, console: Console, *, accept: bool) -> None:
    """Download a data set, once its terms are acknowledged: by a flag, at a terminal, or before."""
    one = shelf.dataset
    if not shelf.missing(one.files):
        console.print(f"{one.name} is here: {shelf.folder}", markup=False, soft_wrap=True)
        return
    if not shelf.accepted:
        console.print("\n".join(terms_of(shelf)), markup=False, highlight=False, soft_wrap=True)
        if not accept:
            _agree(shelf)
        shelf.accept()
    again, kept = f"cfexp data fetch {one.name}", "what came so far is kept"
    with resumed_by(again, console, kept=kept), Transfers(console) as transfers:
        fetch(shelf, transfers, transfers.say)
    console.print(f"{one.name} is here: {shelf.folder}", markup=False, soft_wrap=True)


def _agree(shelf: Shelf) -> None:
    name = shelf.dataset.name
    if not _somebody():
        raise InputError(
            f"{name}: nothing was downloaded; to acknowledge these terms: "
            f"cfexp data fetch {name} --accept"
        )
    if not typer.confirm(f"Acknowledge these terms and download {name}?", err=True):
        raise InputError(f"{name}: nothing was downloaded")


def _somebody() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def terms_of(shelf: Shelf) -> list[str]:
    """Return what a user agrees to, and what to cite, in lines of any terminal's width."""
    terms = shelf.dataset.terms
    parts = [f"{shelf.dataset.title}: {terms.licence}.", terms.text, f"Cite: {terms.citation}"]
    return [line for part in parts for line in wrap(part, 79)]
