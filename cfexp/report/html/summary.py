"""What the study says, in words: how far it is, its verdict, what to doubt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from cfexp.report.findings import findings
from cfexp.report.html.markup import Html, bullets, joined, tag
from cfexp.report.verdict import verdict
from cfexp.search.store.record import State
from cfexp.search.store.standing import is_finished

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def lead(study: StudyRecord) -> Html:
    """Return what stands below the study's name."""
    words = [study.description] if study.description else []
    return joined(*(tag("p", one) for one in words), tag("p", progress(study), class_="note"))


def progress(study: StudyRecord) -> str:
    """Return how far the study is, in words."""
    trials = study.of_role("trial")
    counts = Counter(run.state for run in trials)
    states = ", ".join(f"{counts[state]:,} {state}" for state in get_args(State) if counts[state])
    ended = f"{len(trials):,} of {study.budget:,} trials have ended{states and f': {states}'}."
    if is_finished(study):
        return ended
    return f"{ended} The study is not finished; cfexp run goes on with it."


def summary(study: StudyRecord) -> Html:
    """Return the verdict and the warnings."""
    warnings = findings(study).warnings
    parts = [bullets(verdict(study), class_="verdict")]
    if warnings:
        parts += [tag("h3", "Warnings"), bullets(warnings, class_="warnings")]
    else:
        parts.append(
            tag("p", "None of the checks for doubtful results found anything.", class_="note")
        )
    return joined(*parts)
