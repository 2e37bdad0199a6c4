"""`bench data`: a log read, cleaned, split and made into matrices, beside pandas reading it.

The log is made up in the layout of MovieLens: userId, movieId, rating, timestamp, sorted by
user. pandas only reads the file. Each contender has a process of its own; a stage's peak is
all that the process held, not what the stage added.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Literal

import numpy as np

from cfexp.bench.child import measure
from cfexp.peak import forget_peak, peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Form = Literal["csv", "parquet"]
FORMS: tuple[Form, ...] = ("csv", "parquet")
_CHUNK = 2_500_000
_ROWS_OF_A_USER = 154  # as in MovieLens-25M
_ITEMS = 59_047
_STUDY = """
name = "scale"
objectives = ["ndcg@10"]
[data]
kind = "{form}"
path = "log.{form}"
columns = {{ user = "userId", item = "movieId", value = "rating", time = "timestamp" }}
[[clean]]
kind = "bots"
quantile = 0.9999
[feedback]
positive_from = 4.0
values = "ones"
[split]
kind = "per_user_last"
test = 5
validation = 2
novel_only = true
min_user = 5
min_item = 5
[search]
trials = 0
[[baselines]]
model = {{ kind = "popularity" }}
"""


@dataclass(frozen=True)
class DataRow:
    """One stage of one file, or all of them together."""

    form: str
    rows: int
    stage: str
    seconds: float
    cpu_seconds: float
    """Of all threads: what other work on the machine does not lengthen."""
    peak_bytes: int


def data(
    sizes: Sequence[int], forms: Sequence[Form], *, seed: int, say: Callable[[str], None]
) -> list[DataRow]:
    """Make logs of so many rows, and measure what becomes of them, file by file."""
    found: list[DataRow] = []
    for n in sizes:
        for form in forms:
            with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as folder:
                say(f"{n:,} rows, {form}: writing the file")
                job = {"folder": folder, "form": form}
                measure("log_to", {**job, "rows": n, "seed": seed})
                for task in ("pandas_read", "prepare", "second_start"):
                    say(f"{n:,} rows, {form}: {task.replace('_', ' ')}")
                    found += [DataRow(form, n, *stage) for stage in measure(task, job)]
    return found


def log_to(folder: str, form: Form, rows: int, seed: int) -> None:
    """Write a log and its study file, a stretch of users at a time."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    (Path(folder) / "study.toml").write_text(_STUDY.format(form=form))
    file, rng = Path(folder) / f"log.{form}", np.random.default_rng(seed)
    kinds = {"userId": pa.int64(), "movieId": pa.int64(), "rating": pa.float64()}
    schema = pa.schema([*kinds.items(), ("timestamp", pa.int64())])
    make = pa_csv.CSVWriter if form == "csv" else pq.ParquetWriter
    first = 1
    with make(str(file), schema) as out:
        for start in range(0, rows, _CHUNK):
            n = min(_CHUNK, rows - start)
            users = max(1, n // _ROWS_OF_A_USER)
            user = first + np.sort((users * rng.random(n) ** 1.7).astype(np.int64))
            first += users
            columns = [
                user,
                1 + 3 * (_ITEMS * rng.random(n) ** 3).astype(np.int64),
                rng.integers(1, 11, n) / 2,
                789_652_009 + (780_000_000 * rng.random(n)).astype(np.int64),
            ]
            out.write_table(pa.table(columns, schema=schema))


Stages = list[tuple[str, float, float, int]]
"""Name, seconds, processor seconds and peak of each stage."""


class _Stages:
    """Seconds and peaks of one stage after another."""

    def __init__(self) -> None:
        self.found: Stages = []
        forget_peak()
        self._began = perf_counter(), process_time()

    def ends(self, name: str) -> None:
        """Close a stage."""
        wall, cpu = self._began
        spent = perf_counter() - wall, process_time() - cpu
        self.found.append((name, *spent, peak_memory()))
        forget_peak()
        self._began = perf_counter(), process_time()

    def whole(self, name: str) -> Stages:
        """Return the stages, and all of them together."""
        _, seconds, cpu, peaks = zip(*self.found, strict=True)
        return [*self.found, (name, sum(seconds), sum(cpu), max(peaks))]


def pandas_read(folder: str, form: Form) -> Stages:
    """Read the file with pandas, its defaults."""
    import pandas as pd

    stages = _Stages()
    read = pd.read_csv if form == "csv" else pd.read_parquet
    read(Path(folder) / f"log.{form}")
    stages.ends("pandas reads the file")
    return stages.found


def prepare(folder: str, form: Form) -> Stages:
    """Do what a study's first start does with its data, stage by stage."""
    from cfexp.data.files.places import places_of
    from cfexp.search.prepared.kept import content_key, keep
    from cfexp.search.prepared.prepare import Prepared
    from cfexp.search.spec.study_file import load_study

    del form
    spec = load_study(Path(folder) / "study.toml")
    stages = _Stages()
    rows = spec.data.load(places_of(spec.folder))
    stages.ends("read")
    rows = spec.split.cleaned(rows, spec.clean)
    stages.ends("clean")
    split = spec.split.divide(rows)
    stages.ends("split")
    prepared = Prepared(rows, split, split.view(spec.feedback))
    prepared.known.check(spec)
    stages.ends("matrices")
    found = stages.whole("file to matrices")
    keep(prepared, spec, Path(folder) / "stages", content_key(spec))
    stages.ends("fingerprint, keep")
    return [*found, stages.found[-1]]


def second_start(folder: str, form: Form) -> Stages:
    """Do what a study's second start does."""
    from cfexp.errors import BenchmarkError
    from cfexp.search.prepared.kept import content_key, kept
    from cfexp.search.spec.study_file import load_study

    del form
    spec = load_study(Path(folder) / "study.toml")
    stages = _Stages()
    found = kept(Path(folder) / "stages", content_key(spec) or "")
    if found is None:
        raise BenchmarkError("the second start did not find what the first one kept")
    found.known.check(spec)
    stages.ends("second start")
    return stages.found
