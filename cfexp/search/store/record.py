"""What is known of a study: plain records, read from the store, projected elsewhere.

Everything here is JSON-shaped (`to_json`/`from_json`), because the Optuna storage
keeps it. Tracking backends and reports read these records and nothing else.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

Role = Literal["baseline", "trial", "final"]
State = Literal["complete", "pruned", "failed"]
TIMEOUT = "timeout"
"""The fact of a trial that its time limit ended, and how the reason begins if it failed."""
TIED = "tied_lists"
"""The fact of a run that most of its lists on test are of one score, in the order of ids."""
REPORT_FILES = (
    *("report.html", "verdict.md", "leaderboard.csv", "leaderboard.json"),
    *("comparisons.csv", "buckets.csv", "cleaning.csv", "per_user.parquet", "study.toml"),
)
"""The files that a study's report may hold, in reading order."""


def now_ms() -> int:
    """Return the time as records have it: milliseconds since 1970."""
    return int(time.time() * 1000)


def vectors_file(vectors: str | None, stage: str) -> str:
    """Return where a run's per-user metrics of `val` or `test` are, beside `RunRecord.vectors`."""
    return f"{vectors}-{stage}.npz"


@dataclass(frozen=True)
class Point:
    """One evaluated epoch of a run: metric values keyed like `RunRecord.metrics`."""

    epoch: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class RunRecord:
    """One finished run: a baseline, a trial, or one seed of a final configuration.

    `key` names it for ever within its study: `trial/17`, `final/17/seed-2`, or
    `baseline/item_knn/843eac/seed-1` with the hash of its settings. `label` is for
    people. `model` holds every field of the model,
    `kind` included. `metrics` are keyed `val/ndcg@10`, `test/recall@20`. `curve` has
    one point per evaluated epoch (`val/...` metrics and `train/loss`). `seconds` holds
    `fit` and `score`; `peak_memory` is the most bytes that the computing process held
    meanwhile, the data included. `vectors` is the path, relative to the study's folder, of the
    per-user metrics, where they were kept. `facts` are what its fit settled by itself,
    in words (`solver_used`). `worker` names the session of `cfexp worker` that computed it;
    the coordinator's has no name. Times are milliseconds since 1970, by that machine's clock.
    """

    role: Role
    key: str
    label: str
    entry: str
    model: dict[str, Any]
    mask: str
    state: State
    metrics: dict[str, float] = field(default_factory=dict)
    curve: tuple[Point, ...] = ()
    best_epoch: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    seed: int | None = None
    number: int | None = None
    generation: int = 0
    reason: str | None = None
    vectors: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    peak_memory: int | None = None
    started: int = 0
    ended: int = 0
    worker: str = ""

    @property
    def trial(self) -> int:
        """The number of the trial that the run is, or is a final of; ValueError for others."""
        if self.number is None:
            raise ValueError(f"run {self.key} is no trial")
        return self.number

    @property
    def stages(self) -> list[str]:
        """What the run was measured on: `val`, `test`, both or neither."""
        return sorted({name.partition("/")[0] for name in self.metrics})

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RunRecord:
        """Return the record that `to_json` described."""
        curve = tuple(Point(**point) for point in values["curve"])
        return cls(**{**values, "curve": curve})


@dataclass(frozen=True)
class Reading:
    """One reading of the test set: what had been tried by then, and what was chosen.

    `generation` counts readings from 1. `trials` is how many trials had ended.
    `finalists` are the trial numbers re-run over `seeds` seeds, the winner first.
    """

    generation: int
    trials: int
    finalists: tuple[int, ...]
    seeds: int
    winner: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Reading:
        """Return the reading that `to_json` described."""
        return cls(**{**values, "finalists": tuple(values["finalists"])})


@dataclass(frozen=True)
class Environment:
    """What runs that started at `since` or later were computed with, until the next one.

    `since` is in milliseconds since 1970; `facts` are versions, machine, threads and the
    working folder's git commit, in words; `worker` is as in `RunRecord`.
    """

    since: int
    facts: dict[str, str]
    worker: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Environment:
        """Return the environment that `to_json` described."""
        return cls(**values)


@dataclass(frozen=True)
class StudyRecord:
    """A study as it stands in the store.

    `text` is the study file as written; `spec` the same, validated, every default
    filled in. `data` and `split` are facts for people (row counts, users, items,
    dropped rows, users evaluated per stage). `folder` holds the study's files:
    `vectors/` (per-user metrics, .npz), `scorers/` (every finalist's first seed),
    `model/` (the winner's), `report/`, `vocabulary.npz` (ids and titles) and `users.npz`
    (the user attributes that are grouped by).
    `direction` is the first objective's. `seconds` holds costs of the study's own
    machinery: `optuna_per_trial`, and what of it workers waited for, `optuna_delay_per_trial`.
    `timeout` is the limit, in seconds, that stopped the search of the last session, if one did.
    `environments` are in the order of time. `verdict` is what came out, in a few sentences,
    once the report is written; it follows from the rest and does not make records differ.
    """

    name: str
    description: str
    science: str
    fingerprint: str
    text: str
    spec: dict[str, Any]
    objectives: tuple[str, ...]
    direction: Literal["maximize", "minimize"]
    data: dict[str, Any]
    split: dict[str, Any]
    runs: tuple[RunRecord, ...]
    readings: tuple[Reading, ...]
    budget: int
    created: int
    folder: str
    seconds: dict[str, float] = field(default_factory=dict)
    environments: tuple[Environment, ...] = ()
    timeout: float | None = None
    verdict: tuple[str, ...] = field(default=(), compare=False)

    @property
    def model_file(self) -> Path:
        """The winner's model."""
        return Path(self.folder, "model", "model.npz")

    @property
    def report_folder(self) -> Path:
        """The folder of the study's report."""
        return Path(self.folder, "report")

    @property
    def data_name(self) -> str:
        """What the data are called: the edition, the file, or the kind of source."""
        source = self.spec.get("data", {})
        name = str(
            source.get("edition")
            or source.get("path")
            or source.get("table")
            or source.get("kind")
            or self.name
        )
        return PurePath(name).name

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> StudyRecord:
        """Return the record that `to_json` described."""
        own = {
            "objectives": tuple(values["objectives"]),
            "runs": tuple(map(RunRecord.from_json, values["runs"])),
            "readings": tuple(map(Reading.from_json, values["readings"])),
            "environments": tuple(map(Environment.from_json, values["environments"])),
            "verdict": tuple(values["verdict"]),
        }
        return cls(**{**values, **own})

    def of_role(self, role: Role) -> list[RunRecord]:
        """Return the runs of one role, in the order in which they were made."""
        return [run for run in self.runs if run.role == role]

    def environment_of(self, run: RunRecord) -> dict[str, str]:
        """Return the facts of the environment that a run was computed in, where known."""
        known = [
            one.facts
            for one in self.environments
            if one.worker == run.worker and one.since <= run.started
        ]
        return known[-1] if known else {}
