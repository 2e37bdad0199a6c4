"""An audit of a study's store and files, row by row, that writes nothing."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optuna.trial import TrialState

from cfexp.arrays import is_whole
from cfexp.errors import DataError, ModelFileError
from cfexp.metrics.evaluation import Evaluation
from cfexp.models import archive
from cfexp.search.run.reader import baselines, repeats, scorer_path
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.claims import STATES
from cfexp.search.store.record import vectors_file
from cfexp.search.store.standing import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optuna.trial import FrozenTrial

    from cfexp.search.store.record import RunRecord, StudyRecord
    from cfexp.search.store.store import Store

Kind = Literal["trial", "baseline", "final", "study"]
Place = Literal["store", "files", "MLflow"]
KINDS: tuple[Kind, ...] = ("trial", "baseline", "final", "study")
PLACES: tuple[Place, ...] = ("store", "files", "MLflow")
REPORT = ("report.html", "verdict.md", "leaderboard.csv", "leaderboard.json", "study.toml")
"""What the report of every finished study holds."""
_EQUAL = 1e-9  # a mean is summed in another order when it is read back


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, in one place, and what is wrong with it; "" when nothing is.

    `heal` names the command that mends it: `run`, `sync`, or "" where none does.
    """

    kind: Kind
    place: Place
    name: str
    problem: str = ""
    heal: Literal["run", "sync", ""] = ""


def audit_store(store: Store) -> Iterator[Check]:
    """Look at every trial, baseline, final and reading that the study should have."""
    study = store.record()
    records = {run.key: run for run in study.runs}
    trials = store.study.get_trials(deepcopy=False)
    for place, trial in enumerate(trials):
        name = f"trial/{trial.number}"
        if trial.state is TrialState.WAITING:
            yield Check("trial", "store", name, "waits to be run", "run")
        elif trial.state is TrialState.RUNNING:
            yield Check("trial", "store", name, "was left running by a process that died", "run")
        else:
            ok = trial.number == place
            wrong = _trial_differs(study, trial, records.get(name)) if ok else "is numbered twice"
            yield Check("trial", "store", name, wrong)
    spec = StudySpec.model_validate(study.spec)
    for label, entry in baselines(spec):
        for seed in repeats(spec, entry.model):
            key = f"baseline/{label}/{entry.digest}/seed-{seed}"
            yield Check("baseline", "store", key, *_absent(key, records))
    finalists = study.readings[-1].finalists if study.readings else ()
    models = {entry.label: entry.model for entry in spec.models}
    for number in finalists:
        for seed in repeats(spec, models[records[f"trial/{number}"].entry]):
            key = f"final/{number}/seed-{seed}"
            yield Check("final", "store", key, *_absent(key, records))
    over = is_finished(study)
    yield Check("study", "store", "the test set", *("", "") if over else _UNREAD)


_UNREAD: tuple[str, Literal["run"]] = ("was not read for all trials of the budget", "run")


def _absent(key: str, records: dict[str, RunRecord]) -> tuple[str, Literal["run", ""]]:
    return ("", "") if key in records else ("is missing", "run")


def _trial_differs(study: StudyRecord, trial: FrozenTrial, run: RunRecord | None) -> str:
    """Return in what a trial differs from the record that was written of it."""
    if run is None:
        return "ended without a record"
    if trial.state is not STATES[run.state]:
        return f"is {trial.state.name} in Optuna, {run.state} in its record"
    wanted = [run.metrics.get(f"val/{name}") for name in study.objectives]
    if run.state != "failed" and list(trial.values or ()) != wanted:
        return f"has the values {trial.values} in Optuna, {wanted} in its record"
    for name, value in trial.params.items():
        own = run.model.get(name.removeprefix(f"{run.entry}."))
        if own != value:
            return f"has {name} = {value} in Optuna, {own} in its record"
    return ""


def audit_files(study: StudyRecord) -> Iterator[Check]:
    """Read every file that the study should have: each must be there, whole and agree."""
    folder = Path(study.folder)
    for run in study.runs:
        if run.role != "trial" and run.state == "complete":
            for part in run.stages:
                path = folder / vectors_file(run.vectors, part)
                yield _file(run.role, folder, path, _vectors_differ(path, run, part))
    for name in ("vocabulary.npz", "users.npz"):
        if name == "vocabulary.npz" or (folder / name).exists():
            wrong = "" if is_whole(folder / name) else "is damaged"
            yield _file("study", folder, folder / name, wrong)
    if study.readings:
        yield from _models(study, folder)
    if is_finished(study):
        yield from _report(study, folder)


def _models(study: StudyRecord, folder: Path) -> Iterator[Check]:
    reading = study.readings[-1]
    for number in reading.finalists:
        path = folder / scorer_path(number)
        yield _file("final", folder, path, _unreadable_model(path))
    path = study.model_file
    same = _hash(path) == _hash(folder / scorer_path(reading.winner))
    wrong = _unreadable_model(path) or ("" if same else "is not the winner's model")
    yield _file("study", folder, path, wrong)


def _report(study: StudyRecord, folder: Path) -> Iterator[Check]:
    names = set(REPORT) if study.text else set(REPORT) - {"study.toml"}
    names |= {path.name for path in study.report_folder.glob("*") if path.is_file()}
    for name in sorted(names):
        path = study.report_folder / name
        yield _file("study", folder, path, _report_differs(path, study))


def _file(kind: Kind, folder: Path, path: Path, wrong: str) -> Check:
    name = path.relative_to(folder).as_posix()
    if not path.is_file():
        return Check(kind, "files", name, "is missing", "run")
    return Check(kind, "files", name, wrong, "run" if wrong else "")


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _vectors_differ(path: Path, run: RunRecord, part: str) -> str:
    """Return what is wrong with a file of per-user metrics: their means are the record's.

    Of several validation folds the file holds an average for each user; such means need
    not be those of the folds.
    """
    try:
        means = Evaluation.load(path).means()
    except DataError as error:
        return f"is damaged: {error.__cause__ or error}"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    for name, value in means.items() if part == "test" else ():
        known = run.metrics.get(f"{part}/{name}", value)
        if not math.isclose(known, value, rel_tol=_EQUAL, abs_tol=_EQUAL):
            return f"has {name} {value}, its run {known}"
    return ""


def _unreadable_model(path: Path) -> str:
    try:
        archive.read(path)
    except ModelFileError as error:
        return f"is damaged: {error.__cause__ or error}"
    return ""


def _report_differs(path: Path, study: StudyRecord) -> str:
    """Return whether a file of the report is cut short, or of another study file."""
    if not path.is_file():
        return ""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        return "" if data[:4] == data[-4:] == b"PAR1" else "is cut short"
    text = data.decode(errors="replace")
    if path.name == "study.toml":
        return "" if text == study.text else "is not the study's file"
    if path.suffix == ".html":
        return "" if text.rstrip().endswith("</html>") else "is cut short"
    if path.suffix == ".json":
        try:
            json.loads(text)
        except ValueError:
            return "is cut short"
    return "" if text.endswith("\n") else "is cut short"


def remarks(study: StudyRecord) -> list[str]:
    """Return in words what failed, and why: nothing is lost, but nothing was found either."""
    failed = [run for run in study.runs if run.state == "failed"]
    return [f"{run.key} failed: {run.reason}" for run in failed]


def tally(checks: Iterable[Check]) -> dict[Kind, dict[Place, tuple[int, int]]]:
    """Return how many of a kind are sound, and how many there are, by place."""
    found = list(checks)
    total = Counter((check.kind, check.place) for check in found)
    sound = Counter((check.kind, check.place) for check in found if not check.problem)
    return {
        kind: {place: (sound[kind, place], total[kind, place]) for place in PLACES}
        for kind in KINDS
    }
