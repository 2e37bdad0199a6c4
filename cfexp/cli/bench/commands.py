"""`cfexp bench als|topk|study|tracking|data`: what is measured here and now."""

from __future__ import annotations

from typing import Annotated

import typer

from cfexp.cli.bench.options import (
    Chart,
    FactorList,
    Json,
    PeerList,
    Repeats,
    Seed,
    Sizes,
    Threads,
    events,
    matrices,
    names,
    numbers,
    peer_names,
)
from cfexp.errors import BenchmarkError

app = typer.Typer(
    help="Measure cfexp against implicit and irspack (pip install 'cfexp[peers]'), and what "
    "tracking costs.",
    no_args_is_help=True,
)

_FACTORS = "32,64,128,256"


@app.command()
def als(
    *,
    factors: FactorList = _FACTORS,
    nnz: Sizes = None,
    alpha: Annotated[float, typer.Option(min=0, help="Of our objective: c = 1 + alpha r.")] = 4.0,
    regularization: Annotated[float, typer.Option(min=1e-6, help="Of our objective.")] = 0.01,
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
    from cfexp.cli.bench.measurement import Measurement

    sizes = numbers(factors, "--factors")
    named = matrices(nnz)
    run = Measurement("als", threads, [] if alone else peer_names(peers), chart, file)
    settings = Settings(0, alpha, regularization, iterations, run.threads, seed)
    run.state(
        f"objective: sum c (p - x'y)^2 + {regularization:g} (|X|^2 + |Y|^2), c = 1 + {alpha:g} r; "
        f"implicit's alpha is {1 + alpha:g}, irspack's alpha0 1 with values {alpha:g} r",
        objective={"alpha": alpha, "regularization": regularization, "iterations": iterations},
    )
    start = starting(run.say)
    limit = limits(run.threads, run.say)
    rows = measured(named, sizes, run.peers, settings=settings, repeats=repeats, say=run.say)
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
    from cfexp.cli.bench.measurement import Measurement

    sizes = numbers(factors, "--factors")
    named = matrices(nnz)
    run = Measurement("topk", threads, ["implicit"], chart, file)
    run.state("both rank from the same factors, what a user has seen left out")
    settings = Settings(0, 4.0, 0.01, 5, run.threads, seed)
    rows = measured(named, sizes, k, settings=settings, repeats=repeats, say=run.say)
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
    from cfexp.cli.bench.measurement import Measurement

    size = events(nnz)
    run = Measurement("study", threads, peer_names(peers), chart, file)
    run.state(
        "cfexp reads and splits its data within its time; the peers are handed ready matrices. "
        "Test ndcg@10 is ours for all."
    )
    rows = measured(
        run.peers,
        nnz=size,
        trials=trials,
        threads=run.threads,
        repeats=repeats,
        seed=seed,
        say=run.say,
    )
    run.finish(rows, study_table(rows))


@app.command()
def tracking(
    *,
    trials: Annotated[str, typer.Option(help="Numbers of trials, with commas.")] = "30,100",
    nnz: Sizes = None,
    repeats: Repeats = 3,
    threads: Threads = None,
    seed: Seed = 0,
    chart: Chart = None,
    file: Json = None,
) -> None:
    """Track: one study with MLflow and without, in turn, and what the difference is."""
    from cfexp.bench.show import tracking_table
    from cfexp.bench.tracking import cost
    from cfexp.bench.tracking import tracking as measured
    from cfexp.cli.bench.measurement import Measurement

    lengths, size = numbers(trials, "--trials"), events(nnz)
    run = Measurement("tracking", threads, [], chart, file)
    run.state("a study in a fresh home, from the start of its process to the end, on and off")
    rows = measured(lengths, nnz=size, threads=run.threads, repeats=repeats, seed=seed, say=run.say)
    line = cost(rows)
    run.finish(rows, tracking_table(rows), cost=None if line is None else vars(line))


@app.command()
def data(
    *,
    rows: Annotated[str, typer.Option(help="Numbers of rows, with commas.")] = "25000000",
    formats: Annotated[str, typer.Option("--formats", help="csv, parquet or both.")] = (
        "csv,parquet"
    ),
    seed: Seed = 0,
    chart: Chart = None,
    file: Json = None,
) -> None:
    """Prepare: a log from its file to matrices, with peak memory, beside pandas reading it."""
    from cfexp.bench.data import FORMS
    from cfexp.bench.data import data as measured
    from cfexp.bench.show import data_table
    from cfexp.cli.bench.measurement import Measurement

    asked = names(formats, "--formats", FORMS)
    sizes = numbers(rows, "--rows")
    run = Measurement("data", None, [], chart, file)
    run.state("peaks are of whole processes; a second start finds what the first one kept")
    forms = [form for form in FORMS if form in asked]
    found = measured(sizes, forms, seed=seed, say=run.say)
    run.finish(found, data_table(found))
