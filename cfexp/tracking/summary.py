"""What a study's own run says: its tags, its best values, a description for people."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from cfexp.analysis.seeds import is_counted, seeds_of
from cfexp.tracking.names import TAG_LENGTH, Entry, Sample, finite, markdown, metric_name, text

if TYPE_CHECKING:
    from cfexp.search.record import RunRecord, StudyRecord


def identity(study: StudyRecord) -> dict[str, str]:
    """Return the tags by which a study's run is found again."""
    return {
        "cfexp.study": study.name,
        "cfexp.role": "study",
        "cfexp.science": study.science,
        "cfexp.fingerprint": study.fingerprint,
        "cfexp.created": str(study.created),
    }


def best_trial(study: StudyRecord) -> RunRecord | None:
    """Return the trial with the best first objective on validation."""
    name = f"val/{study.objectives[0]}"
    trials = [run for run in study.of_role("trial") if _ranked(run, name)]
    sign = 1 if study.direction == "maximize" else -1
    return max(trials, key=lambda run: sign * run.metrics[name], default=None)


def winning_runs(study: StudyRecord) -> list[RunRecord]:
    """Return the final runs, one per seed, of the winner of the last reading."""
    if not study.readings:
        return []
    prefix, seeds = f"final/{study.readings[-1].winner}/", seeds_of(study.spec)
    return [
        run
        for run in study.of_role("final")
        if run.key.startswith(prefix) and is_counted(run.key, seeds)
    ]


def is_finished(study: StudyRecord) -> bool:
    """Return whether all trials have ended and the test set was read for them."""
    trials = study.of_role("trial")
    if len(trials) < study.budget:
        return False
    found = any(run.state == "complete" for run in trials)
    return not found or any(reading.trials == study.budget for reading in study.readings)


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
        if _ranked(run, first):
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
    note = description(study)[:TAG_LENGTH]
    tags = {"mlflow.note.content": note, "cfexp.budget": str(study.budget)}
    return Entry({name: text(spec[name]) for name in sorted(fixed)}, finite(samples), tags)


def ended(study: StudyRecord) -> int:
    """Return when the study's newest run ended, in milliseconds since 1970."""
    return max((run.ended for run in study.runs), default=study.created)


def description(study: StudyRecord) -> str:
    """Return up to five lines of markdown, the findings first: MLflow folds the rest."""
    lines = []
    if seeds := winning_runs(study):
        values, entry = _test_values(study, seeds), markdown(seeds[0].entry)
        lines.append(f"**Winner on test**: {values} ({entry}, mean of {len(seeds)} seeds)")
    if best := best_trial(study):
        objective = study.objectives[0]
        value = best.metrics[f"val/{objective}"]
        lines.append(f"**Best on validation**: {objective} {value:.4f} ({markdown(best.label)})")
    trials, readings = study.of_role("trial"), len(study.readings)
    states = {state: sum(run.state == state for run in trials) for state in ("pruned", "failed")}
    counts = "".join(f", {count} {state}" for state, count in states.items() if count)
    times = f"{readings} time{'' if readings == 1 else 's'}"
    progress = f"{len(trials)} of {study.budget}{counts}; test set read {times}"
    if is_finished(study):
        lines.append(f"**Trials**: {progress}")
    else:
        lines.insert(0, f"**Interrupted**: trials {progress}; `cfexp run` goes on")
    lines.append(
        f"**Data**: {_facts(study.data)}; **split**: {_facts(study.split.get('rows', {}))}"
    )
    lines += [markdown(study.description)] if study.description else []
    return "\n".join(f"- {line}" for line in lines)


def _test_values(study: StudyRecord, seeds: list[RunRecord]) -> str:
    names = [f"test/{name}" for name in study.objectives]
    means = {
        name: fmean(run.metrics[name] for run in seeds)
        for name in names
        if all(name in run.metrics for run in seeds)
    }
    return ", ".join(f"{name.removeprefix('test/')} {mean:.4f}" for name, mean in means.items())


def _facts(values: dict[str, object]) -> str:
    """Return the short facts of a dictionary; numbers with separators, no hashes."""
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {markdown(value)}"
        for name, value in values.items()
        if isinstance(value, int | str) and value != "" and "fingerprint" not in name
    )


def _ranked(run: RunRecord, name: str) -> bool:
    return run.state == "complete" and name in run.metrics
