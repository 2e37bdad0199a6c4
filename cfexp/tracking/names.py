"""How a run's record is spelled in MLflow: names, parameters, metric points, tags.

Everything here is a function of the record alone, times included, so that projecting
twice writes the same points, which MLflow drops.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cfexp.analysis.words import markdown, plain

if TYPE_CHECKING:
    from cfexp.search.store.record import RunRecord, State, StudyRecord

STATUS: dict[State, str] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
_GIT = {
    "git_commit": "mlflow.source.git.commit",
    "git_branch": "mlflow.source.git.branch",
    "git_dirty": "cfexp.git_dirty",
}
_NO_VERSIONS = {"platform", "machine", "cores", "threads", "workers", *_GIT}


@dataclass(frozen=True)
class Sample:
    """One metric value; `time` is milliseconds since 1970."""

    name: str
    value: float
    step: int
    time: int


@dataclass(frozen=True)
class Entry:
    """What MLflow stores for one run, besides its status and times."""

    params: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def points(self) -> dict[str, set[tuple[int, int, float]]]:
        """Return step, time and value of every point by metric; MLflow shows the largest."""
        found: dict[str, set[tuple[int, int, float]]] = {}
        for sample in self.samples:
            found.setdefault(sample.name, set()).add((sample.step, sample.time, sample.value))
        return found


def metric_name(name: str) -> str:
    """Return MLflow's name of a metric; it refuses `@` and most other signs.

    >>> metric_name("val/ndcg@10"), metric_name("val/ndcg@10:worst:age (years)")
    ('val/ndcg_at_10', 'val/ndcg_at_10:worst:age _years_')
    """
    return re.sub(r"[^/\w.\- :]", "_", name.replace("@", "_at_"))


def text(value: object) -> str:
    """Return `value` as a parameter's text: strings bare, the rest as JSON, None as ""."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def searched(study: StudyRecord) -> list[str]:
    """Return the model fields that differ between trials."""
    trials = study.of_role("trial")
    names = dict.fromkeys(name for run in trials for name in run.model if name != "kind")
    return [name for name in names if len({text(run.model.get(name)) for run in trials}) > 1]


def digest(values: Any) -> str:  # noqa: ANN401 - anything that JSON can hold
    """Return a hash of plain values, by which a record is recognised as unchanged."""
    data = json.dumps(values, sort_keys=True, default=str).encode()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def run_name(run: RunRecord) -> str:
    """Return the run's name in the UI: its label, and its role where that is not plain."""
    label = plain(run.label)
    return label if run.role == "trial" else f"{run.role}: {label}"


def run_tags(study: StudyRecord, run: RunRecord) -> dict[str, str]:
    """Return the tags that a child run is born with; `cfexp.key` names it for ever."""
    tags = {
        "cfexp.study": study.name,
        "cfexp.role": run.role,
        "cfexp.key": run.key,
        "cfexp.entry": run.entry,
        "cfexp.kind": str(run.model.get("kind", "")),
        "cfexp.fingerprint": study.fingerprint,
    }
    if run.number is not None:
        tags["cfexp.trial"] = str(run.number)
    if run.role != "trial" and not run.key.endswith("/seed-1"):
        # MLflow unfolds a study that has such runs, but shows each of them among GenAI's.
        tags["mlflow.runType"] = "evaluation"
    return tags | environment_tags(study.environment_of(run))


def environment_tags(facts: dict[str, str]) -> dict[str, str]:
    """Return what a run was computed with as few tags, in MLflow's names where it has some."""
    if not facts:
        return {}
    versions = [f"{name} {value}" for name, value in facts.items() if name not in _NO_VERSIONS]
    tags = {
        "cfexp.versions": ", ".join(versions),
        "cfexp.machine": f"{facts['platform']}, {facts['cores']} cores",
        "cfexp.threads": facts["threads"],
    }
    return tags | {tag: facts[name] for name, tag in _GIT.items() if name in facts}


def run_entry(run: RunRecord) -> Entry:
    """Return parameters, metric points and closing tags of a finished run."""
    params = {name: text(value)[:PARAM_LENGTH] for name, value in run.model.items()}
    params["mask"] = run.mask
    if run.seed is not None:
        params["seed"] = str(run.seed)
    tags = {"cfexp.digest": digest(run.to_json()), "cfexp.generation": str(run.generation)}
    tags |= {f"cfexp.{name}": words[:TAG_LENGTH] for name, words in run.facts.items()}
    if run.reason:
        tags["cfexp.reason"] = run.reason[:TAG_LENGTH]
    if run.state != "complete":
        tags["mlflow.note.content"] = f"{run.state}{_why(run)}"[:TAG_LENGTH]
    return Entry(params, _samples(run), tags)


def _why(run: RunRecord) -> str:
    if run.reason:
        return f": {markdown(run.reason)}"
    return f" after epoch {run.curve[-1].epoch}" if run.curve else ""


def _samples(run: RunRecord) -> list[Sample]:
    """Return the curve with epochs as steps, then the values that count.

    MLflow shows the point of the highest step, and of these the newest. A value that
    was kept from an earlier epoch is therefore written once more at the last epoch.
    """
    # A final's metrics carry their generation as step, so they have no curve here.
    curve = [
        (point.epoch, name, value)
        for point in run.curve
        for name, value in point.metrics.items()
        if not (run.role == "final" and name in run.metrics)
    ]
    last: dict[str, tuple[int, float]] = {}
    samples = []
    span = max(run.ended - run.started, 1)
    epochs = max((epoch for epoch, _, _ in curve), default=1)
    for epoch, name, value in curve:
        time = run.started + span * epoch // (epochs + 1)
        samples.append(Sample(metric_name(name), value, epoch, time))
        last[name] = (epoch, value)
    for name, value in run.metrics.items():
        step, shown = last.get(name, (run.generation, None))
        if shown != value:
            samples.append(Sample(metric_name(name), value, step, run.ended))
    extras: dict[str, float] = {
        f"time/{name}_seconds": value for name, value in run.seconds.items()
    }
    if run.best_epoch is not None:
        extras["train/best_epoch"] = run.best_epoch
    if run.number is not None:
        extras["search/trial"] = run.number  # a parameter would sort 10 before 2
    if run.peak_memory is not None:
        extras["memory/peak_megabytes"] = run.peak_memory / 1e6
    samples += [Sample(name, value, 0, run.ended) for name, value in extras.items()]
    return finite(samples)


def finite(samples: list[Sample]) -> list[Sample]:
    """Return the samples without NaN and infinities, which MLflow's models choke on."""
    return [sample for sample in samples if math.isfinite(sample.value)]
