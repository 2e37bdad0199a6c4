"""`cfexp bench als|topk|study`: cfexp measured against its peers, here and now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfexp.errors import BenchmarkError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from cfexp.arrays import Matrix
    from cfexp.bench.show import Row

app = typer.Typer(
    help="Measure cfexp against implicit and irspack (pip install 'cfexp[peers]') in one run.",
    no_args_is_help=True,
)

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
_WIDE = 120
_FACTORS = "32,64,128,256"


@app.command()
def als(
    *,
    factors: FactorList = _FACTORS,
    nnz: Sizes = None,
    alpha: Annotated[float, typer.Option(min=0, help="Of our objective: c = 1 + alpha r.")] = 4.0,
    regularization: Annotated[float, typer.Option(min=1e-6)] = 0.01,
    iterations: Annotated[int, typer.Option(min=1, help="Of the peers.")] = 15,
    repeats: Repeats = 3,
    threads: Threads = None,
    peers: PeerList = "implicit,irspack",
    alone: Annotated[
        bool, typer.Option("--alone", help="Without peers: time and memory as data grow.")
    ] = False,
    seed: Seed = 0,
    chart: Chart = None,
    file: Json = None,
) -> None:
    """Fit: the time to a loss no higher than the peer's after its iterations."""
    from cfexp.bench.als import als as measured
    from cfexp.bench.als import limits, starting
    from cfexp.bench.contenders import Settings
    from cfexp.bench.show import als_tables

    numbers = _numbers(factors, "--factors")
    named = _matrices(nnz)
    run = _Run("als", threads, [] if alone else _names(peers), chart, file)
    settings = Settings(0, alpha, regularization, iterations, run.threads, seed)
    run.state(
        f"objective: sum c (p - x'y)^2 + {regularization:g} (|X|^2 + |Y|^2), c = 1 + {alpha:g} r; "
        f"implicit's alpha is {1 + alpha:g}, irspack's alpha0 1 with values {alpha:g} r",
        objective={"alpha": alpha, "regularization": regularization, "iterations": iterations},
    )
    start = starting(run.say)
    limit = limits(run.threads, run.say)
    rows = measured(named, numbers, run.peers, settings=settings, repeats=repeats, say=run.say)
    run.finish(rows, *als_tables(rows), compile=start, limits=limit)
    run.console.print(
        f"First epoch of a process: {start['fresh_seconds']:.1f} s with everything to compile, "
        f"{start['second_seconds']:.1f} s after. A matrix product reaches "
        f"{limit['matrix_product_gflops']:.0f} GFLOP/s here."
    )
    lost = [
        f"{row.matrix} at {row.factors} factors ({row.peer})" for row in rows if not row.reached
    ]
    if lost:
        raise BenchmarkError(f"no ratio where our loss stays above the peer's: {'; '.join(lost)}")


@app.command()
def topk(
    *,
    factors: FactorList = _FACTORS,
    nnz: Sizes = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")] = 20,
    repeats: Repeats = 3,
    threads: Threads = None,
    seed: Seed = 0,
    chart: Chart = None,
    file: Json = None,
) -> None:
    """Rank: the best k items of all users, against implicit's batch call."""
    from cfexp.bench.contenders import Settings
    from cfexp.bench.show import topk_table
    from cfexp.bench.topk import topk as measured

    numbers = _numbers(factors, "--factors")
    named = _matrices(nnz)
    run = _Run("topk", threads, ["implicit"], chart, file)
    run.state("both rank from the same factors, what a user has seen left out")
    settings = Settings(0, 4.0, 0.01, 5, run.threads, seed)
    rows = measured(named, numbers, k, settings=settings, repeats=repeats, say=run.say)
    run.finish(rows, topk_table(rows))


@app.command()
def study(
    *,
    trials: Annotated[int, typer.Option(min=1, help="Trials of every contender.")] = 30,
    nnz: Sizes = None,
    repeats: Repeats = 1,
    threads: Threads = None,
    peers: PeerList = "implicit,irspack",
    seed: Seed = 0,
    chart: Chart = None,
    file: Json = None,
) -> None:
    """Tune: a whole study with tracking, against a notebook's loop and irspack's tuner."""
    from cfexp.bench.show import study_table
    from cfexp.bench.study import study as measured

    events = None if nnz is None else _numbers(nnz, "--nnz")
    if events is not None and len(events) != 1:
        raise InputError(f"bench study takes one --nnz, got {nnz!r}")
    run = _Run("study", threads, _names(peers), chart, file)
    run.state(
        "cfexp reads and splits its data within its time; the peers are handed ready matrices. "
        "Test ndcg@10 is ours for all."
    )
    rows = measured(
        run.peers,
        nnz=events[0] if events else None,
        trials=trials,
        threads=run.threads,
        repeats=repeats,
        seed=seed,
        say=run.say,
    )
    run.finish(rows, study_table(rows))


class _Run:
    """What the three have in common: peers, threads, machine, and where results go."""

    def __init__(
        self,
        name: str,
        threads: int | None,
        peers: Sequence[str],
        chart: Path | None,
        file: Path | None,
    ) -> None:
        from rich.console import Console

        from cfexp.bench.machine import machine, thread_settings, versions
        from cfexp.bench.peers import installed
        from cfexp.parallel import cores

        for path in (chart, file):
            if path is not None and not path.absolute().parent.is_dir():
                raise InputError(f"there is no folder {path.absolute().parent} to write {path} to")
        self.console: Console = Console()
        if not self.console.is_terminal:
            self.console.width = max(self.console.width, _WIDE)  # a file is as wide as needed
        self.threads = threads or cores()
        self._skipped: list[str] = []
        found = installed(peers, self._skip) if peers else {}
        self.peers = list(found)
        self._chart, self._file = chart, file
        self._facts: dict[str, Any] = {
            "benchmark": name,
            "machine": machine(),
            "versions": versions(found),
            "threads": thread_settings(self.threads),
            "skipped": self._skipped,
        }

    def say(self, text: str) -> None:
        """Print what is measured now."""
        self.console.print(f"[dim]{text}[/dim]", highlight=False)

    def _skip(self, text: str) -> None:
        self._skipped.append(text)
        self.console.print(text, markup=False)

    def state(self, words: str, **facts: Any) -> None:  # noqa: ANN401
        """Print machine, versions, threads and what is compared."""
        self._facts |= {"comparison": words, **facts}
        here = self._facts["machine"]
        lines = [
            f"{here['processor']}, {here['cores']} cores, load {here['load'][0]}",
            ", ".join(f"{name} {number}" for name, number in self._facts["versions"].items()),
            ", ".join(f"{name}: {value}" for name, value in self._facts["threads"].items()),
            words,
        ]
        self.console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

    def finish(self, rows: Sequence[Row], *tables: Table, **facts: Any) -> None:  # noqa: ANN401
        """Print the table; write JSON and chart where asked for."""
        from cfexp.bench.machine import machine
        from cfexp.bench.show import plain, write_chart

        self._facts |= {"machine_after": machine(), "rows": plain(rows), **facts}
        for table in tables:
            self.console.print(table)
        if self._file is not None:
            self._file.write_text(json.dumps(self._facts, indent=2) + "\n")
            self.console.print(f"everything: {self._file}", markup=False)
        if self._chart is not None:
            write_chart(rows, self._chart)
            self.console.print(f"chart: {self._chart}", markup=False)


def _numbers(text: str, flag: str) -> list[int]:
    try:
        numbers = [int(float(part)) for part in text.split(",")]
    except (ValueError, OverflowError):
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InputError(f"{flag} takes whole numbers from 1 on, with commas, got {text!r}")
    return list(dict.fromkeys(numbers))


def _names(text: str) -> list[str]:
    from cfexp.bench.peers import PEERS

    names = [name.strip() for name in text.split(",")]
    wrong = [name for name in names if name not in PEERS]
    if wrong:
        raise InputError(f"--peers takes {' and '.join(PEERS)}, got {wrong[0]!r}")
    return names


def _matrices(nnz: str | None) -> list[tuple[str, Matrix]]:
    from cfexp.bench.matrices import movielens, synthetic

    if nnz is None:
        return [("ml-1m", movielens())]
    return [(f"{n:,} made up", synthetic(n)) for n in _numbers(nnz, "--nnz")]
