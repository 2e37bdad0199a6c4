"""`Recorded`: a study as MLflow remembers it, and whether another one repeats it."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.errors import InputError, StudyConflictError
from cfexp.search.place import command
from cfexp.search.spec.study_file import parse
from cfexp.tracking.address import tracking_uri, without_login
from cfexp.tracking.client import open_client
from cfexp.tracking.experiment import all_runs, find_experiment, query_of
from cfexp.tracking.names import STATUS, run_entry
from cfexp.tracking.reason import told

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.record import RunRecord, StudyRecord

_RESULTS = ("val/", "test/", "train/")
_OF_A_SESSION = {
    "threads",
    "git_branch",
    "git_dirty",
}  # which no result depends on, or a commit says


@dataclass(frozen=True)
class Values:
    """What a run was and found: its status, parameters and last metrics, as MLflow shows them."""

    status: str
    params: dict[str, str]
    metrics: dict[str, float]

    def differences(self, other: Values) -> list[str]:
        """Return a line for everything in which `other` differs, this being the record."""
        lines = [] if self.status == other.status else [f"{other.status}, recorded {self.status}"]
        for mine, its in ((self.params, other.params), (self.metrics, other.metrics)):
            lines += [
                f"{name} {its.get(name, 'missing')}, recorded {mine.get(name, 'missing')}"
                for name in dict.fromkeys([*mine, *its])
                if mine.get(name) != its.get(name)
            ]
        return lines


@dataclass(frozen=True)
class Comparison:
    """How a study repeats a recorded one.

    `differences` maps a run's key to what differs; `absent` are the keys of baselines and
    finals that only the record has: of earlier readings, or gone from its study file.
    """

    trials: int
    read: int
    differences: dict[str, list[str]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether all that was compared is the same, bit for bit."""
        return not self.differences


@dataclass(frozen=True)
class Recorded:
    """A study in MLflow: its file, what it was made on and with, and what its runs found.

    `environments` are the facts of every session, the oldest first.
    """

    name: str
    text: str
    fingerprint: str
    environments: tuple[dict[str, str], ...]
    runs: dict[str, Values]

    @property
    def trials(self) -> int:
        """How many trials have ended."""
        return sum(key.startswith("trial/") for key in self.runs)

    def renamed(self, name: str, folder: Path) -> StudySpec:
        """Return the study under another name; its relative data paths start from `folder`."""
        document = tomllib.loads(self.text) | {"name": name}
        spec = parse(document, f"the file of study {self.name!r}")
        return spec.read_from(_renamed(self.text, document), folder)

    def changes(self, here: dict[str, str]) -> list[str]:
        """Return a line for every version, and every fact of the machine, that is another here."""
        lines = []
        for name in dict.fromkeys(name for facts in self.environments for name in facts):
            had = list(dict.fromkeys(facts.get(name, "none") for facts in self.environments))
            if name == "workers" and had != ["1"]:
                lines.append(
                    f"workers: recorded {', then '.join(had)}, here 1: the order in which parallel "
                    "trials ended decided what was tried next"
                )
            elif name not in {"workers", *_OF_A_SESSION} and had != [here.get(name, "none")]:
                words = name.replace("_", " ")
                lines.append(f"{words}: recorded {', then '.join(had)}, here {here.get(name)}")
        return lines

    def compare(self, study: StudyRecord) -> Comparison:
        """Return how `study` repeats this one."""
        now = {run.key: _values(run) for run in study.runs}
        differences = {
            key: lines
            for key, values in self.runs.items()
            if key in now and (lines := values.differences(now[key]))
        }
        absent = [key for key in self.runs if key not in now]
        differences |= {key: ["was not run"] for key in absent if key.startswith("trial/")}
        differences |= {key: ["is not recorded"] for key in now if key not in self.runs}
        common = self.runs.keys() & now.keys()
        trials = sum(key.startswith("trial/") for key in common)
        absent = [key for key in absent if not key.startswith("trial/")]
        return Comparison(trials, len(common) - trials, differences, tuple(absent))


def _renamed(text: str, document: dict[str, Any]) -> str:
    """Return the text of a study file with the name of `document`, which is all that differs.

    Lines that only look like the name may stand in a description, or in another table.
    """
    for line in re.finditer(r"""(?m)^[ \t]*["']?name["']?[ \t]*=.*$""", text):
        other = f'{text[: line.start()]}name = "{document["name"]}"{text[line.end() :]}'
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(other) == document:
                return other
    raise InputError(
        f"the study file has no line with the name alone, to become {document['name']!r}"
    )


def recorded(name: str, home: Path, uri: str | None = None) -> Recorded:
    """Read a study from MLflow alone.

    Raises
    ------
    StudyConflictError
        When MLflow has no such study; names those that it has.
    InputError
        When the record lacks the study file.
    TrackingError
        When MLflow cannot be reached.
    """
    where = tracking_uri(uri, home)
    client = open_client(where, home)
    with told(f"study {name!r} cannot be read from MLflow at {without_login(where)}"):
        parent = _parent(client, name, without_login(where))
        text = _file(client, parent, "study.toml")
        origin = json.loads(_file(client, parent, "provenance.json") or '{"environments": []}')
        children = all_runs(
            client, [parent.info.experiment_id], {"mlflow.parentRunId": parent.info.run_id}
        )
        found = {
            run.data.tags["cfexp.key"]: Values(
                run.info.status, dict(run.data.params), _results(run.data.metrics)
            )
            for run in children
            if run.info.status in STATUS.values()
        }
    if text is None:
        sync = command("sync", name, where=home, tracking_uri=uri)
        raise InputError(
            f"MLflow has no study file of study {name!r}: it was interrupted; `cfexp run` goes "
            f"on with it, `{sync}` writes what there is"
        )
    if not text:
        raise InputError(f"study {name!r} was made in Python: there is no file to run again")
    return Recorded(
        name,
        text,
        parent.data.tags.get("cfexp.fingerprint", ""),
        tuple(one["facts"] for one in origin["environments"]),
        found,
    )


def _parent(client: MlflowClient, name: str, where: str) -> Run:
    tags = {"cfexp.study": name, "cfexp.role": "study"}
    experiment = find_experiment(client, name, tags)
    if experiment is not None and experiment.lifecycle_stage == "active":
        query = query_of({"cfexp.role": "study"})
        order = ["attributes.start_time DESC"]
        for run in client.search_runs([experiment.experiment_id], query, order_by=order):
            return run
    others = client.search_experiments()
    names = sorted(tag for one in others if (tag := one.tags.get("cfexp.study")))
    raise StudyConflictError(
        f"MLflow at {where} has no study {name!r}; it has: {', '.join(names) or 'none'}"
    )


def _file(client: MlflowClient, run: Run, name: str) -> str | None:
    """Return the text of a run's file, None where there is none."""
    if name not in {file.path for file in client.list_artifacts(run.info.run_id)}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run.info.run_id, name, folder)).read_text("utf-8")


def _values(run: RunRecord) -> Values:
    """Return a run's values as MLflow will show them: of each metric the last point."""
    entry = run_entry(run)
    metrics = {name: max(points)[-1] for name, points in entry.points().items()}
    return Values(STATUS[run.state], entry.params, _results(metrics))


def _results(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.startswith(_RESULTS)}
