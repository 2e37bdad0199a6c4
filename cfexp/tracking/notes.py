"""Descriptions in markdown: in about five lines what was studied and what came out."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import TYPE_CHECKING

from cfexp.analysis.words import markdown
from cfexp.search.store.standing import best_trial, is_finished, is_winner, seeds_beside
from cfexp.tracking.names import TAG_LENGTH, searched, text

if TYPE_CHECKING:
    from cfexp.search.store.record import RunRecord, StudyRecord

_SHOWN = 4  # metrics of a final


def study_note(study: StudyRecord) -> str:
    """Return the description of a study's run, the findings first: MLflow folds the rest."""
    found, progress = _found(study), _progress(study)
    if not is_finished(study):
        lead = f"Unfinished: {progress}; `cfexp run` completes it."
        lines = [f"**Result so far**: {found}"] if found else []
    else:
        lead = found or progress
        lines = [f"**Trials**: {progress}"] if found else []
    if study.description:
        lines.append(f"**Studied**: {markdown(study.description)}")
    rows = study.split.get("rows", {})
    data = f"**Data**: {_facts(study.data)}{_cleaned(study)}; **split**: {_facts(rows)}"
    return _note(lead, [*lines, data])


def final_note(study: StudyRecord, run: RunRecord) -> str:
    """Return the description of a finalist's run: what it is, and what its study found."""
    seeds = seeds_beside(study, run)
    place = "the winner" if is_winner(study, run) else "a finalist"
    which = f"seed {seeds.index(run) + 1} of {len(seeds)}" if run in seeds else "an earlier seed"
    fields = [f"{name} {_short(run.model[name])}" for name in searched(study) if name in run.model]
    fields += [f"{run.best_epoch} epochs"] if run.best_epoch else []
    name, own = markdown(f"{run.entry} #{run.number}"), markdown(", ".join(fields))
    stages = {"Test": "test", "Validation": "val"}
    values = {stage: _values(study, run, seeds, key) for stage, key in stages.items()}
    lines = [f"**{stage}**: {words}" for stage, words in values.items() if words]
    lines += [f"**Study**: {found}"] if (found := _found(study)) else []
    return _note(f"{name}, {place}, {which}: {own}", lines)


def _found(study: StudyRecord) -> str:
    """Return what came out; nothing before the report is written."""
    return markdown(" ".join(study.verdict))


def _progress(study: StudyRecord) -> str:
    """Return the counts of trials, the best of them, and the readings of test."""
    trials, readings = study.of_role("trial"), len(study.readings)
    states = {state: sum(run.state == state for run in trials) for state in ("pruned", "failed")}
    parts = [f"{len(trials)} of {study.budget} trials"]
    parts += [f"{count} {state}" for state, count in states.items() if count]
    if best := best_trial(study):
        objective = study.objectives[0]
        value = best.metrics[f"val/{objective}"]
        parts.append(f"best on validation {objective} {value:.4f} ({markdown(best.label)})")
    return f"{', '.join(parts)}; test set read {readings} time{'' if readings == 1 else 's'}"


def _values(study: StudyRecord, run: RunRecord, seeds: list[RunRecord], stage: str) -> str:
    """Return a stage's first metrics, each with its mean over the seeds."""
    from cfexp.metrics.metric import is_metric  # NumPy comes with it

    names = [name.removeprefix(f"{stage}/") for name in run.metrics if name.startswith(f"{stage}/")]
    ordered = dict.fromkeys([*study.objectives, *filter(is_metric, names)])
    words = []
    for name in [name for name in ordered if name in names][:_SHOWN]:
        key = f"{stage}/{name}"
        found = [one.metrics[key] for one in seeds if key in one.metrics]
        words.append(f"{name} {run.metrics[key]:.4f}{_over_seeds(found)}")
    return ", ".join(words)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else text(value)


def _over_seeds(values: list[float]) -> str:
    if len(values) < 2:  # noqa: PLR2004 - one value does not vary
        return ""
    return f" (mean of {len(values)} seeds {fmean(values):.4f} ± {stdev(values):.4f})"


def _facts(values: dict[str, object]) -> str:
    """Return the short facts of a dictionary; numbers with separators, no hashes."""
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {markdown(value)}"
        for name, value in values.items()
        if isinstance(value, int | str) and value != "" and "fingerprint" not in name
    )


def _cleaned(study: StudyRecord) -> str:
    """Return how many rows cleaning took of those read, the rule that took most first."""
    read, *steps = study.data.get("cleaning") or [{}]
    taken = sorted((step for step in steps if step["dropped"]), key=lambda step: -step["dropped"])
    if not taken:
        return ""
    rules = [f"{markdown(step['rule'])}: {step['dropped']:,}" for step in taken[:_SHOWN]]
    if more := sum(step["dropped"] for step in taken[_SHOWN:]):
        rules.append(f"other rules: {more:,}")
    return f" of {read['rows']:,} read; **rows dropped**: {'; '.join(rules)}"


def _note(lead: str, lines: list[str]) -> str:
    """Return a description; the run table shows its beginning as it is written here."""
    return "\n".join([lead, "", *(f"- {line}" for line in lines)])[:TAG_LENGTH]
