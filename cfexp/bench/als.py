"""`bench als`: the time to a loss no higher than the peer's after its iterations."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cfexp.bench import matrices
from cfexp.bench.child import measure
from cfexp.bench.contenders import Settings, recipe
from cfexp.bench.machine import product_gflops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cfexp.arrays import Matrix

    Say = Callable[[str], None]

_PATIENCE = 4  # times the peer's iterations: more epochs than that, and we have lost


@dataclass(frozen=True)
class AlsRow:
    """One matrix, one number of factors, one peer (None: cfexp measured alone)."""

    matrix: str
    users: int
    items: int
    nnz: int
    factors: int
    peer: str | None
    peer_iterations: int
    peer_seconds: float | None
    """Median over the repeats, like all seconds here."""
    peer_loss: float | None
    peer_peak_bytes: int | None
    seconds: float | None
    """To factors whose loss is no higher than the peer's in the same repeat."""
    loss: float | None
    epochs: float | None
    peak_bytes: int | None
    ratio: float | None
    """peer_seconds / seconds; None where the peer's loss was not reached in some repeat."""
    ns_per_nonzero: float | None
    """Seconds of the whole fit / (epochs x non-zeros)."""
    peak_bytes_per_nonzero: float | None
    """The peak beyond what holds the matrix, less three times the factors, by non-zeros."""
    gflops: float | None
    """Floating-point operations of the epochs, counted on paper, by the seconds of the fit."""
    samples: list[dict[str, Any]]

    @property
    def reached(self) -> bool:
        """Whether we got to a loss no higher than the peer's."""
        return self.peer is None or self.ratio is not None


def als(
    named: Sequence[tuple[str, Matrix]],
    factors: Sequence[int],
    peers: Sequence[str],
    *,
    settings: Settings,
    repeats: int,
    say: Say,
) -> list[AlsRow]:
    """Measure every matrix and number of factors; `settings.epochs` are the peers' iterations.

    In each repeat all contenders take their turn, with the seed of the repeat. With no
    peers, cfexp is measured alone over as many epochs.
    """
    rows = []
    against: list[str | None] = [*peers] or [None]
    with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as folder:
        for place, (name, matrix) in enumerate(named):
            path = Path(folder) / str(place)
            matrices.save(matrix, path)
            for f in factors:
                asked = dataclasses.replace(settings, factors=f)
                samples: dict[str | None, list[dict[str, Any]]] = {}
                for repeat in range(repeats):
                    seeded = dataclasses.replace(asked, seed=settings.seed + repeat)
                    for peer in against:
                        say(f"{name}, {f} factors, {peer or 'alone'}, {repeat + 1} of {repeats}")
                        samples.setdefault(peer, []).append(_sample(peer, path, seeded))
                rows += [_row(name, matrix, peer, asked, got) for peer, got in samples.items()]
    return rows


def _sample(peer: str | None, path: Path, settings: Settings) -> dict[str, Any]:
    """Let the peer run, find our number of epochs to its loss, then time exactly those."""
    sample: dict[str, Any] = {"seed": settings.seed}
    epochs = settings.epochs
    if peer is not None:
        sample["peer"] = measure("fit", _job(path, settings, contender=peer))
        most = dataclasses.replace(settings, epochs=_PATIENCE * settings.epochs)
        found = measure("epochs_to", _job(path, most, target=sample["peer"]["loss"]))
        if found["epochs"] is None:
            return sample | {"closest": found["loss"]}
        epochs = found["epochs"]
    exact = dataclasses.replace(settings, epochs=epochs)
    sample["cfexp"] = measure("fit", _job(path, exact, contender="cfexp"))
    return sample | {"epochs": epochs}


def _job(path: Path, settings: Settings, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"matrix": str(path), "settings": dataclasses.asdict(settings), **more}


def _row(
    name: str, matrix: Matrix, peer: str | None, settings: Settings, samples: list[dict[str, Any]]
) -> AlsRow:
    reached = all(
        "cfexp" in sample and ("peer" not in sample or _no_higher(sample)) for sample in samples
    )

    def middle(whose: str, what: str) -> float | None:
        values = [sample[whose][what] for sample in samples if whose in sample]
        return median(values) if values else None

    seconds, peer_seconds = middle("cfexp", "seconds"), middle("peer", "seconds")
    peak, peer_peak = middle("cfexp", "peak_bytes"), middle("peer", "peak_bytes")
    epochs = median(sample["epochs"] for sample in samples) if reached else None
    users, items = matrix.shape
    per_nonzero = gflops = None
    if seconds is not None and epochs is not None:
        per_nonzero = 1e9 * seconds / (epochs * matrix.nnz)
        work = operations(settings, users, items, matrix.nnz, epochs)
        gflops = None if work is None else 1e-9 * work / seconds
    held = 3 * 4 * settings.factors * (users + items)
    return AlsRow(
        matrix=name,
        users=users,
        items=items,
        nnz=matrix.nnz,
        factors=settings.factors,
        peer=peer,
        peer_iterations=settings.epochs,
        peer_seconds=peer_seconds,
        peer_loss=middle("peer", "loss"),
        peer_peak_bytes=None if peer_peak is None else round(peer_peak),
        seconds=seconds,
        loss=middle("cfexp", "loss"),
        epochs=epochs,
        peak_bytes=None if peak is None else round(peak),
        ratio=peer_seconds / seconds if reached and peer_seconds and seconds else None,
        ns_per_nonzero=per_nonzero,
        peak_bytes_per_nonzero=None if peak is None else (peak - held) / matrix.nnz,
        gflops=gflops,
        samples=samples,
    )


def _no_higher(sample: dict[str, Any]) -> bool:
    return bool(sample["cfexp"]["loss"] <= sample["peer"]["loss"])


def operations(settings: Settings, users: int, items: int, nnz: int, epochs: float) -> float | None:
    """Return the floating-point operations of so many of our epochs, None for other solvers.

    Each side has per epoch the Gram matrix of the other's factors and two changes of
    coordinates (2 f^2 per row and each); with momentum, items change theirs once more from
    the third epoch on. An entry and factor take 4 for every step of conjugate gradient but
    2 for the last, and 4 for the start, or 2 from zeros, in the first epoch. Not counted:
    what depends on rows or factors alone, restarts of the momentum, and the exact solution
    of all users at the end, whose steps are not known beforehand but whose seconds are in
    the time.
    """
    model = recipe(settings)
    first, later = model.solvers(settings.alpha)
    if later.name != "cg":
        return None
    f = settings.factors
    dense = 2 * f * f * 3 * (users + items) * epochs
    if model.momentum:
        dense += 2 * f * f * items * max(epochs - 2, 0)
    per_entry = 4 * first.steps + max(epochs - 1, 0) * (4 * later.steps + 2)
    return float(dense + 2 * nnz * f * per_entry)


def starting(say: Say) -> dict[str, float]:
    """Return the seconds to a first epoch with nothing compiled, and in the process after."""
    with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as cache:
        place = {"NUMBA_CACHE_DIR": cache}
        say("compiling from nothing")
        fresh, second = (
            measure("first_epoch", {"began": time.time()}, place)["seconds"] for _ in range(2)
        )
    return {"fresh_seconds": fresh, "second_seconds": second}


def limits(threads: int, say: Say) -> dict[str, float]:
    """Return what the machine can do at most, in GFLOP/s of a matrix product."""
    say("what a matrix product reaches")
    return {"matrix_product_gflops": product_gflops(threads)}
