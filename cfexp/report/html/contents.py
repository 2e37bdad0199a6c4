"""The report's chapters, in the order in which a reader asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.analysis.words import plain
from cfexp.report.html.board import leaderboard
from cfexp.report.html.costs import time_spent
from cfexp.report.html.curves import learning_curves
from cfexp.report.html.facts import data_and_split
from cfexp.report.html.figure import cannot
from cfexp.report.html.groups import groups
from cfexp.report.html.markup import tag
from cfexp.report.html.origin import how_to_reproduce
from cfexp.report.html.page import Chapter, page
from cfexp.report.html.samples import samples
from cfexp.report.html.search import the_search
from cfexp.report.html.summary import lead, summary
from cfexp.report.html.tradeoff import popularity_bias
from cfexp.report.html.tuning import did_tuning_help

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from cfexp.report.html.markup import Html
    from cfexp.search.store.record import StudyRecord

_CHAPTERS: dict[str, Callable[[StudyRecord, optuna.Study | None], Html]] = {
    "Verdict": lambda study, _: summary(study),
    "Leaderboard": lambda study, _: leaderboard(study),
    "Did tuning help?": lambda study, _: did_tuning_help(study),
    "The search": the_search,
    "Learning curves": lambda study, _: learning_curves(study),
    "Groups of users and items": lambda study, _: groups(study),
    "Accuracy and popularity": lambda study, _: popularity_bias(study),
    "Where the time went": lambda study, _: time_spent(study),
    "Data and split": lambda study, _: data_and_split(study),
    "Sample recommendations": lambda study, _: samples(study),
    "How to reproduce": lambda study, _: how_to_reproduce(study),
}


def html_report(study: StudyRecord, trials: optuna.Study | None) -> str:
    """Return a study's report as a page; Optuna's `trials` for the charts of the search.

    A chapter that cannot be written becomes a sentence that says why.
    """
    chapters = []
    for heading, write in _CHAPTERS.items():
        try:
            content = write(study, trials)
        except Exception as error:  # noqa: BLE001 - no chapter is worth a report
            content = tag("p", cannot(error))
        chapters.append(Chapter(heading, content))
    return page(plain(study.name), lead(study), chapters)
