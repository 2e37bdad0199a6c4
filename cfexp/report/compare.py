"""Studies side by side, and runs of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import BucketRow, bucket_rows, has_buckets
from cfexp.analysis.intervals import check_users
from cfexp.analysis.worst import measured_by
from cfexp.errors import InputError, did_you_mean
from cfexp.metrics.metric import Metric
from cfexp.report import leaderboard as board
from cfexp.report.comparisons import against
from cfexp.report.intervals import interval_table
from cfexp.report.one_split import refuse_others
from cfexp.report.vectors import attributes_of, averaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.analysis.intervals import Interval
    from cfexp.analysis.significance import Difference
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.report.leaderboard import Row
    from cfexp.search.store.record import StudyRecord

_AT_LEAST = 2


@dataclass(frozen=True, eq=False)
class Contender:
    """One configuration of one study, with its per-user metrics on test."""

    study: StudyRecord
    row: Row
    evaluation: Evaluation

    @property
    def name(self) -> str:
        """What the command line calls it: `ml1m:als #18`."""
        return f"{self.study.name}:{self.row.label}"


@dataclass(frozen=True)
class Line:
    """A contender's mean on test, its interval, and its difference from the reference."""

    name: str
    interval: Interval
    difference: Difference | None
    groups: tuple[tuple[Buckets, tuple[BucketRow, ...]], ...]


@dataclass(frozen=True)
class Compared:
    """Contenders, best first, and what they are compared by."""

    metric: Metric
    reference: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def contender(study: StudyRecord, label: str | None) -> Contender:
    """Return a row of a study's leaderboard by its label; None: its winner.

    Raises
    ------
    InputError
        When there is no such row, or its values per user were not kept.
    """
    rows = board.leaderboard(study)
    labels = [row.label for row in rows]
    listed = ", ".join(repr(one) for one in labels) or "none"
    if label is None:
        row = board.winner(rows)
        if row is None:
            raise InputError(
                f"study {study.name!r} has no winner yet; name a run as "
                f"'{study.name}:LABEL', with LABEL one of {listed}"
            )
    else:
        row = next((row for row in rows if row.label == label), None)
        if row is None:
            raise InputError(
                f"study {study.name!r} has no run {label!r} that was read on test; "
                f"it has {listed}{did_you_mean(label, labels)}"
            )
    evaluation = averaged(study, row.runs, "test")
    if evaluation is None:
        raise InputError(f"the values per user of {study.name}:{row.label} were not kept")
    return Contender(study, row, evaluation)


def compare(
    contenders: Sequence[Contender], metric: str | None = None, reference: str | None = None
) -> Compared:
    """Compare contenders on test with the best of them, or with `reference`, by name.

    `metric` is the first study's first objective unless given. P-values are corrected
    over all comparisons (Holm).

    Raises
    ------
    InputError
        When there are fewer than two, their splits differ, or one lacks the metric.
    """
    contenders = list({one.name: one for one in contenders}.values())
    if len(contenders) < _AT_LEAST:
        raise InputError("a comparison needs two different studies or runs")
    refuse_others([one.study for one in contenders])
    measure = _measure(metric or measured_by(contenders[0].study.objectives[0]), contenders)
    known = interval_table([one.evaluation for one in contenders], str(measure))
    sign = -1 if measure.direction == "maximize" else 1
    order = sorted(
        range(len(contenders)), key=lambda place: sign * known[place][str(measure)].estimate
    )
    chosen = order[0] if reference is None else _place(contenders, reference)
    others = [place for place in order if place != chosen]
    found = against(
        contenders[chosen].evaluation,
        [contenders[place].evaluation for place in others],
        str(measure),
    )
    base = known[chosen][str(measure)].estimate
    differences = {
        place: None if pair is None else _turned(pair, base)
        for place, pair in zip(others, found, strict=True)
    }
    groups, notes = _shared_groups(contenders)
    lines = [
        Line(
            name=contenders[place].name,
            interval=known[place][str(measure)],
            difference=differences.get(place),
            groups=groups[place],
        )
        for place in order
    ]
    studies = {one.study.name: one.study for one in contenders}
    notes += [
        f"{name}: its winner was chosen by {study.objectives[0]}; {measure} over all users is "
        "compared."
        for name, study in studies.items()
        if study.readings and study.objectives[0] != str(measure)
    ]
    notes += [f"{name}: {board.readings(study)}" for name, study in studies.items()]
    if reference is None:
        notes.append(
            f"{contenders[chosen].name} is what the others are compared with because it is best on "
            "test, which flatters its lead; --against names another, chosen beforehand."
        )
    return Compared(measure, contenders[chosen].name, tuple(lines), tuple(notes))


def _measure(text: str, contenders: Sequence[Contender]) -> Metric:
    """Return the metric to compare by, which all must have user by user."""
    shared = [
        name
        for name in contenders[0].evaluation.numerators
        if all(name in one.evaluation.numerators for one in contenders)
    ]
    choices = f"choose one with --metric: {', '.join(shared)}"
    if measured_by(text) != text:
        raise InputError(f"runs are compared over all users, not by {text!r}; {choices}")
    metric = Metric.parse(text)
    if not metric.per_user:
        raise InputError(
            f"{text} is of all lists together and has no value for each user, so runs cannot be "
            f"compared by it; {choices}"
        )
    for one in contenders:
        check_users(len(one.evaluation))
        if str(metric) not in one.evaluation.numerators:
            raise InputError(f"{text} was not measured for {one.name}; {choices}")
    return metric


def _place(contenders: Sequence[Contender], reference: str) -> int:
    names = [one.name for one in contenders]
    if reference in names:
        return names.index(reference)
    own = [place for place, one in enumerate(contenders) if one.study.name == reference]
    if winners := [place for place in own if contenders[place].row.winner]:
        return winners[0]  # as everywhere, a study's name stands for it
    if len(own) > 1:
        choices = ", ".join(names[place] for place in own)
        raise InputError(f"--against {reference!r} is several of those compared: {choices}")
    if not own:
        raise InputError(
            f"--against {reference!r} is none of those compared: {', '.join(names)}"
            f"{did_you_mean(reference, names)}"
        )
    return own[0]


def _turned(pair: Difference, base: float) -> Difference:
    """Return (reference - other) as (other - reference), relative to the reference."""
    return dataclasses.replace(
        pair,
        mean=-pair.mean,
        low=-pair.high,
        high=-pair.low,
        effect=None if pair.effect is None else -pair.effect,
        relative=-pair.mean / abs(base) if base else None,
    )


def _shared_groups(
    contenders: Sequence[Contender],
) -> tuple[list[tuple[tuple[Buckets, tuple[BucketRow, ...]], ...]], list[str]]:
    """Return every contender's groups where all have the same, and notes on the others.

    A study may have gained buckets since a run of it was measured, and its users other
    attributes than another study's.
    """
    first, *others = [one.study.spec.get("buckets", []) for one in contenders]
    listed = [one for one in first if all(one in other for other in others)]
    found: list[list[tuple[Buckets, tuple[BucketRow, ...]]]] = [[] for _ in contenders]
    notes = []
    for buckets in map(Buckets.model_validate, listed):
        users = [attributes_of(one.study) for one in contenders]
        pairs = [(one.evaluation, known) for one, known in zip(contenders, users, strict=True)]
        rows = [
            bucket_rows([evaluation], buckets, known)[0]
            for evaluation, known in pairs
            if has_buckets(evaluation, buckets, known)
        ]
        kinds = {tuple((row.label, row.users) for row in own) for own in rows}
        if len(rows) < len(contenders) or len(kinds) > 1:
            notes.append(f"{buckets.title}: not shown, since the runs' groups are not the same.")
            continue
        for own, more in zip(found, rows, strict=True):
            own.append((buckets, more))
    return [tuple(own) for own in found], notes
