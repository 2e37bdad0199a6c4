"""The options of `cfexp bench`, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cfexp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from cfexp.arrays import Matrix

Json = Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")]
Chart = Annotated[Path | None, typer.Option("--chart", help="Write a chart (HTML) to this file.")]
Sizes = Annotated[
    str | None,
    typer.Option(
        "--nnz",
        help="Synthetic data of so many non-zeros instead; several with commas.",
        show_default="MovieLens-1M",
    ),
]
FactorList = Annotated[str, typer.Option("--factors", help="Numbers of factors, with commas.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of every contender.", show_default="all processors"),
]
Repeats = Annotated[int, typer.Option(min=1, help="Rounds; medians are shown.")]
PeerList = Annotated[str, typer.Option("--peers", help="Whom to compare with, with commas.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the first round.")]


def numbers(text: str, flag: str) -> list[int]:
    """Return the whole numbers in `text`, each once; an InputError names the flag."""
    try:
        found = [int(float(part)) for part in text.split(",")]
    except (ValueError, OverflowError):
        found = []
    if not found or min(found) < 1:
        raise InputError(f"{flag} takes whole numbers from 1 on, with commas, got {text!r}")
    return list(dict.fromkeys(found))


def names(text: str, flag: str, choices: Collection[str]) -> list[str]:
    """Return the names in `text`, all of them among `choices`; an InputError names the flag."""
    found = [name.strip() for name in text.split(",")]
    if wrong := [name for name in found if name not in choices]:
        raise InputError(f"{flag} takes {' and '.join(choices)}, got {wrong[0]!r}")
    return found


def peer_names(text: str) -> list[str]:
    """Return the names in `text`, all of them peers."""
    from cfexp.bench.peers import PEERS

    return names(text, "--peers", PEERS)


def matrices(nnz: str | None) -> list[tuple[str, Matrix]]:
    """Return MovieLens-1M, or a made-up matrix of every size in `nnz`, with their names."""
    from cfexp.bench.matrices import movielens, synthetic

    if nnz is None:
        return [("ml-1m", movielens())]
    return [(f"{n:,} made up", synthetic(n)) for n in numbers(nnz, "--nnz")]


def events(nnz: str | None) -> int | None:
    """Return the one size of a made-up study's data, None for MovieLens-1M."""
    sizes = [None] if nnz is None else numbers(nnz, "--nnz")
    if len(sizes) != 1:
        raise InputError(f"a study takes one --nnz, got {nnz!r}")
    return sizes[0]
