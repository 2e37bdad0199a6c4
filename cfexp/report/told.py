"""What the study shows, also where its objective is the worst of a group."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.analysis.words import plain
from cfexp.analysis.worst import measured_by
from cfexp.report import leaderboard as board
from cfexp.report.numbers import value
from cfexp.report.verdict import verdict

if TYPE_CHECKING:
    from cfexp.search.record import StudyRecord


def told(study: StudyRecord) -> list[str]:
    """Return the verdict in sentences.

    The worst of a group has no value for each user; where it is the objective, what it
    reached comes first, and its metric over all users is what is compared.
    """
    objective = study.objectives[0]
    metric = measured_by(objective)
    if metric == objective:
        return verdict(study)
    best = board.winner(board.leaderboard(study))
    words = []
    if best is not None and f"test/{objective}" in best.metrics:
        stages = {"validation": f"val/{objective}", "test": f"test/{objective}"}
        reached = " and ".join(f"{value(best.metrics[key])} on {at}" for at, key in stages.items())
        chosen = f"{best.label} was chosen for its worst group, {plain(objective)}: {reached}."
        words = [f"{chosen} What follows compares {metric} over all users."]
    others = tuple(name for name in study.objectives if name != objective)
    compared = dataclasses.replace(study, objectives=(metric, *others))
    return [*words, *verdict(compared)]
