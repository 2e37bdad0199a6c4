"""`bench study`: a whole study with tracking on, against a notebook's loop and irspack's tuner."""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cfexp.bench.child import measure, run
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import parse
from cfexp.splits.stage_data import save_stages
from cfexp.studies import open_study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cfexp.search.store.record import StudyRecord

TASKS = {"implicit": "notebook", "irspack": "irspack"}
_STUDY = """
name = "bench"
seed = {seed}
objectives = ["ndcg@10"]
metrics = ["recall@10"]
[data]
{data}
[feedback]
{feedback}
[split]
kind = "per_user_last"
test = 5
validation = 1
min_train = 5
novel_only = {novel_only}
fit_for_test = "train"
[search]
trials = {trials}
[finals]
configurations = 1
seeds = 1
[[models]]
model = {{ kind = "als", factors = 64, alpha = 0.0, regularization = 0.01, epochs = 20 }}
start = [{{ factors = 64, alpha = 1.2, regularization = 0.5 }}]
[models.space]
factors = {{ kind = "choice", values = [32, 64, 96, 128, 192, 256] }}
alpha = {{ kind = "float", low = 0.1, high = 80.0, log = true }}
regularization = {{ kind = "float", low = 1e-4, high = 100.0, log = true }}
[[baselines]]
model = {{ kind = "popularity" }}
"""


@dataclass(frozen=True)
class StudyRow:
    """One contender: seconds end to end (median) and ndcg@10 of what it chose."""

    contender: str
    what: str
    trials: int
    seconds: float
    ratio: float | None
    """Its seconds by ours; None for ourselves."""
    validation: float
    test: float
    parameters: dict[str, Any]
    samples: list[dict[str, Any]]


_WHAT = {
    "cfexp": "cfexp run, tracking on: data, baseline, trials, finals, report, MLflow",
    "implicit": "a notebook's loop: fits, recommend user by user, metrics in Python",
    "irspack": "its own tune(), then a fit of the best",
}


def study_text(*, nnz: int | None, trials: int, seed: int) -> str:
    """Return the study file: MovieLens-1M, or synthetic events (`nnz` of them)."""
    if nnz is None:
        data = 'kind = "movielens"\nedition = "ml-1m"'
        feedback = 'positive_from = 4.0\nvalues = "ones"'
    else:
        users, items = max(50, nnz // 80), max(100, nnz // 200)
        data = f'kind = "synthetic"\ninteractions = {nnz}\nusers = {users}\nitems = {items}'
        feedback = 'values = "ones"'
    novel = "true" if nnz else "false"
    return _STUDY.format(
        seed=seed, data=data, feedback=feedback, novel_only=novel, trials=trials
    ).lstrip()


def study(
    peers: Sequence[str],
    *,
    nnz: int | None,
    trials: int,
    threads: int,
    repeats: int,
    seed: int,
    say: Callable[[str], None],
) -> list[StudyRow]:
    """Run the study and the peers' searches in turn, each in a process of its own."""
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in ("cfexp", *peers)}
    measure("compile", {})  # once for ever, so not the study's time
    for repeat in range(repeats):
        text = study_text(nnz=nnz, trials=trials, seed=seed + repeat)
        with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as name:
            folder = Path(name)
            spec = parse(tomllib.loads(text)).read_from(text, folder)
            save_stages(prepare(spec).stages.values(), folder / "stages")
            for contender, taken in samples.items():
                say(f"{contender}, {trials} trials, {repeat + 1} of {repeats}")
                if contender == "cfexp":
                    sample = _ours(folder, text, threads)
                else:
                    sample = measure(
                        TASKS[contender],
                        {
                            "folder": str(folder / "stages"),
                            "trials": trials,
                            "threads": threads,
                            "seed": seed + repeat,
                        },
                    )
                taken.append(sample)
    ours = median(sample["seconds"] for sample in samples["cfexp"])
    return [_row(name, trials, got, ours) for name, got in samples.items()]


def _ours(folder: Path, text: str, threads: int) -> dict[str, Any]:
    """Run the command as users do, from the start of the process to its end."""
    file, home = folder / "bench.toml", folder / "home"
    file.write_text(text)
    command = [sys.executable, "-m", "cfexp.cli.main", "run", str(file)]
    command += ["--home", str(home), "--threads", str(threads)]
    began = perf_counter()
    tracking = f"sqlite:///{home.absolute()}/mlflow.db"
    run(command, "cfexp run", {"MLFLOW_TRACKING_URI": tracking, "CFEXP_STORAGE": ""})
    seconds = perf_counter() - began
    return {"seconds": seconds, **_found(open_study(home, "bench").record())}


def _found(record: StudyRecord) -> dict[str, Any]:
    winner = record.readings[-1].winner
    final = next(run for run in record.of_role("final") if run.number == winner)
    return {
        "validation": final.metrics["val/ndcg@10"],
        "test": final.metrics["test/ndcg@10"],
        "parameters": final.model,
    }


def _row(name: str, trials: int, samples: list[dict[str, Any]], ours: float) -> StudyRow:
    def middle(what: str) -> float:
        return float(median(sample[what] for sample in samples))

    return StudyRow(
        contender=name,
        what=_WHAT[name],
        trials=trials,
        seconds=middle("seconds"),
        ratio=None if name == "cfexp" else middle("seconds") / ours,
        validation=middle("validation"),
        test=middle("test"),
        parameters=json.loads(json.dumps(samples[-1]["parameters"])),
        samples=samples,
    )
