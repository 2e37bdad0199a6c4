"""How to get the same again: command, study file, seed, fingerprints, versions, commit."""

from __future__ import annotations

import math
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cfexp.report.html.markup import Html, folded, joined, lines, table, tag

if TYPE_CHECKING:
    from cfexp.search.store.record import Environment, StudyRecord


def how_to_reproduce(study: StudyRecord) -> Html:
    """Return the command and everything that it depends on."""
    return joined(_command(study), _identity(study), *_environments(study), *_file(study))


def _command(study: StudyRecord) -> Html:
    if not study.text:
        return tag("p", "The study was made in Python, not from a file: there is no command.")
    command = ["cfexp", "run", "study.toml"]
    if study.budget != study.spec.get("search", {}).get("trials", study.budget):
        command += ["--trials", str(study.budget)]
    command += ["--home", "again"]
    words = (
        "With one worker, the same file, data, machine and versions give the same trials and "
        "numbers. Save the study file below where its data are found, and run, in a home that "
        "does not know the study, "
    )
    again = tag("code", shlex.join(["cfexp", "rerun", study.name]))
    tail = "; or, where it is in MLflow, "
    return tag("p", words, tag("code", shlex.join(command)), tail, again, ".")


def _identity(study: StudyRecord) -> Html:
    rows = [
        ("seed", study.spec.get("seed", "")),
        ("fingerprint of data and split", tag("code", study.fingerprint)),
        ("hash of the study's science", tag("code", study.science)),
        ("first run", _when(study.created)),
    ]
    return table([], rows, align="ll")


def _environments(study: StudyRecord) -> list[Html]:
    """Return a table of what runs were computed with; what none was is left out."""
    worked = [one for one in study.environments if _has_worked(one, study)]
    if not worked:
        return [tag("p", "On which versions it ran is not known.")]
    names = dict.fromkeys(name for one in worked for name in one.facts)
    rows = [
        (name.replace("_", " "), *(one.facts.get(name, "") for one in worked)) for name in names
    ]
    heads = ["ran with"]
    heads += [f"{'worker ' * bool(one.worker)}from {_when(one.since)}" for one in worked]
    return [table(heads, rows, align="l" * len(heads))]


def _has_worked(one: Environment, study: StudyRecord) -> bool:
    """Return whether a run ended in an environment, before the next one of the same session."""
    begins = [later.since for later in study.environments if later.worker == one.worker]
    end = min((since for since in begins if since > one.since), default=math.inf)
    return any(run.worker == one.worker and one.since <= run.ended < end for run in study.runs)


def _when(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _file(study: StudyRecord) -> list[Html]:
    return [folded("The study file", lines(study.text))] if study.text else []
