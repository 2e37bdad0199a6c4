"""What a study's own run says, and what it says of its finalists' runs."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from cfexp.search.store.standing import ended, is_finished, is_ranked, is_winner, winning_runs
from cfexp.tracking.names import (
    Entry,
    Sample,
    environment_tags,
    finite,
    metric_name,
    text,
)
from cfexp.tracking.notes import final_note, study_note

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def identity(study: StudyRecord) -> dict[str, str]:
    """Return the tags by which a study's run is found again."""
    return {
        "cfexp.study": study.name,
        "cfexp.role": "study",
        "cfexp.science": study.science,
        "cfexp.fingerprint": study.fingerprint,
        "cfexp.created": str(study.created),
    }


def study_status(study: StudyRecord) -> str:
    """Return the status of a study's run that has ended: killed while the study is unfinished."""
    return "FINISHED" if is_finished(study) else "KILLED"


def study_entry(study: StudyRecord) -> Entry:
    """Return the parameters, metrics and tags of the study's run.

    The first objective is the best so far, with trials ended as step; test metrics are
    the winner's, averaged over its seeds, with the reading's generation as step.
    """
    first = f"val/{study.objectives[0]}"
    better = max if study.direction == "maximize" else min
    samples: list[Sample] = []
    so_far: float | None = None
    trials = study.of_role("trial")
    for run in sorted(trials, key=lambda run: run.number or 0):
        if is_ranked(run, first):
            value = run.metrics[first]
            so_far = value if so_far is None else better(so_far, value)
            step = (run.number or 0) + 1
            samples.append(Sample(metric_name(first), so_far, step, run.ended))
    end = ended(study)
    for state in ("complete", "pruned", "failed"):
        count = sum(run.state == state for run in trials)
        samples.append(Sample(f"trials/{state}", count, len(trials), end))
    for name, value in study.seconds.items():
        samples.append(Sample(f"time/{name}_seconds", value, len(trials), end))
    seeds = winning_runs(study)
    for name in seeds[0].metrics if seeds else ():
        values = [run.metrics[name] for run in seeds if name in run.metrics]
        if name.startswith("test/"):
            generation = study.readings[-1].generation
            samples.append(Sample(metric_name(name), fmean(values), generation, end))
    spec = {name: value for name, value in study.spec.items() if not isinstance(value, dict | list)}
    fixed = {"seed", "name"} & spec.keys()
    tags = {"mlflow.note.content": study_note(study), "cfexp.budget": str(study.budget)}
    sessions = [one.facts for one in study.environments if not one.worker]
    if sessions:
        tags |= environment_tags(sessions[-1])
    return Entry({name: text(spec[name]) for name in sorted(fixed)}, finite(samples), tags)


def marks(study: StudyRecord) -> dict[str, dict[str, str]]:
    """Return, by key, the tags that runs have only through the study: who won, and of what.

    Finals that ended well have both, the trials that they repeat the first.
    """
    finals = [run for run in study.of_role("final") if run.state == "complete"]
    numbers = {run.number for run in finals}
    trials = [run for run in study.of_role("trial") if run.number in numbers]
    won = {run.key: str(is_winner(study, run)).lower() for run in (*trials, *finals)}
    found = {key: {"cfexp.winner": words} for key, words in won.items()}
    for run in finals:
        found[run.key]["mlflow.note.content"] = final_note(study, run)
    return found
