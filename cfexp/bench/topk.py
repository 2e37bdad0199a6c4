"""`bench topk`: the best k items of every user, from the same ready factors."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.bench import matrices
from cfexp.bench.child import measure
from cfexp.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cfexp.arrays import Matrix
    from cfexp.bench.contenders import Settings

_AGREE = 0.999  # of all places: rounding may swap neighbours
_CONTENDERS = ("implicit", "cfexp")


@dataclass(frozen=True)
class TopKRow:
    """One matrix and number of factors; seconds are medians over the repeats."""

    matrix: str
    users: int
    items: int
    factors: int
    k: int
    peer: str
    peer_seconds: float
    seconds: float
    ratio: float
    agreement: float
    """Share of the places of all lists that hold the same item."""
    samples: dict[str, list[float]]


def topk(
    named: Sequence[tuple[str, Matrix]],
    factors: Sequence[int],
    k: int,
    *,
    settings: Settings,
    repeats: int,
    say: Callable[[str], None],
) -> list[TopKRow]:
    """Measure our `recommend` for all users against implicit's batch call, seen items hidden.

    Raises
    ------
    BenchmarkError
        When the lists differ: then there is nothing to compare.
    """
    rows = []
    for name, matrix in named:
        with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as folder:
            matrices.save(matrix, Path(folder))
            for f in factors:
                asked = dataclasses.replace(settings, factors=f)
                samples, agreement = _measured(name, Path(folder), k, asked, repeats, say)
                if agreement < _AGREE:
                    raise BenchmarkError(
                        f"{name}, {f} factors: from the same factors, cfexp and implicit agree on "
                        f"{agreement:.1%} of the places only, so their times mean nothing"
                    )
                peer, ours = (median(samples[one]) for one in _CONTENDERS)
                rows.append(
                    TopKRow(
                        matrix=name,
                        users=matrix.shape[0],
                        items=matrix.shape[1],
                        factors=f,
                        k=k,
                        peer="implicit",
                        peer_seconds=peer,
                        seconds=ours,
                        ratio=peer / ours,
                        agreement=agreement,
                        samples=samples,
                    )
                )
    return rows


def _measured(  # noqa: PLR0917 - what `topk` was asked
    name: str,
    folder: Path,
    k: int,
    settings: Settings,
    repeats: int,
    say: Callable[[str], None],
) -> tuple[dict[str, list[float]], float]:
    """Return the seconds of each contender, and on which share of the places they agree."""
    f = settings.factors
    where: dict[str, Any] = {"folder": str(folder), "matrix": str(folder)}
    say(f"{name}, {f} factors: fitting")
    measure("factors_to", {"settings": dataclasses.asdict(settings), **where})
    samples: dict[str, list[float]] = {one: [] for one in _CONTENDERS}
    for repeat in range(repeats):
        for one in _CONTENDERS:
            say(f"{name}, {f} factors, {one}, {repeat + 1} of {repeats}")
            job = {"contender": one, "k": k, "threads": settings.threads, **where}
            samples[one].append(measure("rank", job)["seconds"])
    return samples, _agreement(folder)


def _agreement(folder: Path) -> float:
    peer, ours = (np.load(folder / f"{one}.npy") for one in _CONTENDERS)
    listed = ours >= 0  # a user who has seen nearly everything has a shorter list
    return float(np.mean(peer[listed] == ours[listed]))
