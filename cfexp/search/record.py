"""What is known of a study: plain records, read from the store, projected elsewhere.

Everything here is JSON-shaped (`to_json`/`from_json`), because the Optuna storage
keeps it. Tracking backends and reports read these records and nothing else.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Role = Literal["baseline", "trial", "final"]
State = Literal["complete", "pruned", "failed"]


def joined(facts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the facts of several fits as one; where they differ, one after the other.

    >>> joined([{"solver_used": "cg, 2 steps"}, {"solver_used": "cg, 3 steps"}])
    {'solver_used': 'cg, 2 steps; cg, 3 steps'}
    """
    known: dict[str, dict[str, None]] = {}
    for one in facts:
        for name, words in one.items():
            known.setdefault(name, {})[words] = None
    return {name: "; ".join(words) for name, words in known.items()}


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
    `fit` and `score`. `vectors` is the path, relative to the study's folder, of the
    per-user metrics, where they were kept. `facts` are what its fit settled by itself,
    in words (`solver_used`). Times are milliseconds since 1970.
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
    started: int = 0
    ended: int = 0

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
class Session:
    """What a study ran on from a moment on (milliseconds since 1970): versions, commit."""

    began: int
    origin: dict[str, str]


@dataclass(frozen=True)
class StudyRecord:
    """A study as it stands in the store.

    `text` is the study file as written; `spec` the same, validated, every default
    filled in. `data` and `split` are facts for people (row counts, users, items,
    dropped rows, fingerprint, users evaluated per stage). `folder` holds the study's
    files: `vectors/` (per-user metrics, .npz), `report/`, `model/`.
    `direction` is the first objective's. `seconds` holds costs of the study's own
    machinery, such as `optuna_per_trial`. `sessions` are those that ran on something
    else than the one before.
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
    sessions: tuple[Session, ...] = ()

    def of_role(self, role: Role) -> list[RunRecord]:
        """Return the runs of one role, in the order in which they were made."""
        return [run for run in self.runs if run.role == role]
