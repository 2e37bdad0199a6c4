"""What the winner recommends to a few test users, and what it finds alike: to be judged by eye."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.analysis.worst import measured_by
from cfexp.errors import ModelFileError
from cfexp.models.relating import RelatingScorer
from cfexp.models.saved import load
from cfexp.report import leaderboard as board
from cfexp.report.findings import findings
from cfexp.report.html.markup import Html, joined, table, tag, text
from cfexp.report.vectors import averaged

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Codes
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.models.saved_model import SavedModel
    from cfexp.search.store.record import StudyRecord

_SHARES = (0.05, 0.35, 0.65, 0.95)
"""Users with short and with long histories: where they stand in the order of these lengths."""
_HEADS = (0.005, 0.05, 0.15, 0.3, 0.6)
"""Items are found where the more popular ones hold these shares of all positives."""
_NEWEST, _LIST, _ALIKE = 8, 8, 5


def samples(study: StudyRecord) -> Html:
    """Return lists for a few test users, and items like a few known ones."""
    path = study.model_file
    if not path.is_file():
        return tag("p", "The study has saved no model yet: it has no winner.")
    try:
        shown = _Shown(load(path))
    except ModelFileError as error:
        return tag("p", f"The winner's model cannot be read: {error}")
    words = (
        "From the model that the study saved, the winner's first seed. Counts are the positives "
        "that an item has in train. Do the lists fit the histories, and differ between users?"
    )
    parts = [tag("p", words, class_="note")]
    if shown.model.titles is None:
        parts.append(
            tag("p", "The data have no titles; items are shown by their ids.", class_="note")
        )
    parts += [tag("h3", "Recommended to users of the test"), _users(study, shown)]
    parts += [tag("h3", "Alike by the model"), _alike(shown)]
    return joined(*parts)


@dataclass(frozen=True, eq=False)
class _Shown:
    """A model, and how it names users and items."""

    model: SavedModel

    @cached_property
    def counts(self) -> AnyArray:
        return np.bincount(self.model.scorer.history.indices, minlength=self.model.scorer.n_items)

    def user(self, code: int) -> str:
        users = self.model.users
        return str(code if users is None else users.ids[code])

    def item(self, code: int) -> str:
        items, titles = self.model.items, self.model.titles
        name = str(code if items is None else items.ids[code])
        return name if titles is None or not titles[code] else str(titles[code])

    def ranked(self, codes: Codes, scores: AnyArray | None = None) -> Html:
        """Return items in their order, with counts and, where given, scores."""
        counts = self.counts
        lines = [
            tag(
                "li",
                self.item(code),
                tag("span", _aside(counts[code], None if scores is None else scores[place])),
            )
            for place, code in enumerate(codes)
            if code >= 0
        ]
        return tag("ol", *lines, class_="items") if lines else text("nothing")


def _aside(count: Any, score: Any) -> str:  # noqa: ANN401 - NumPy's numbers
    return f"{count:,}" if score is None else f"{count:,} · {score:.3f}"


def _users(study: StudyRecord, shown: _Shown) -> Html:
    best = board.winner(findings(study).rows)
    evaluation = None if best is None else averaged(study, best.runs, "test")
    if evaluation is None:
        return tag("p", "Which users were tested was not kept.")
    history = shown.model.scorer.history
    lengths = np.diff(history.indptr)
    users = evaluation.users[evaluation.users < len(lengths)]
    users = users[lengths[users] > 0]
    if len(users) == 0:
        return tag("p", "None of the users of the test has a history that the model keeps.")
    order = users[np.argsort(lengths[users], kind="stable")]
    chosen = np.unique(order[[int(share * (len(order) - 1)) for share in _SHARES]])
    chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
    lists, scores = shown.model.top(chosen, _LIST)
    rows = []
    for place, user in enumerate(chosen):
        own = history[[user]]
        newest = own.indices if own.rank is None else own.indices[np.argsort(own.rank)]
        who = joined(
            tag("strong", shown.user(user)),
            tag("div", f"{len(newest):,} positives", class_="small note"),
            tag("div", _reached(study, evaluation, user), class_="small note"),
        )
        rows.append(
            (who, shown.ranked(newest[:_NEWEST]), shown.ranked(lists[place], scores[place]))
        )
    known = history.rank is not None
    had = "newest in the history" if known else "some of the history (its order is not known)"
    return table(["user", had, "recommended, with counts and scores"], rows, align="lll")


def _reached(study: StudyRecord, evaluation: Evaluation, user: int) -> str:
    metric = measured_by(study.objectives[0])
    if metric not in evaluation.numerators or metric in evaluation.pooled:
        return ""
    place = int(np.flatnonzero(evaluation.users == user)[0])
    return f"{metric} {evaluation.values(metric)[place]:.2f}"


def _alike(shown: _Shown) -> Html:
    scorer = shown.model.scorer
    if not isinstance(scorer, RelatingScorer):
        return tag(
            "p", f"A model of kind {scorer.model.kind} does not relate items to one another."
        )
    counts = shown.counts
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    if len(order) < 2:  # noqa: PLR2004 - one item is like no other
        return tag("p", "The model knows fewer than two items.")
    held = np.cumsum(counts[order]) / counts.sum()
    known = np.unique(order[np.minimum(np.searchsorted(held, _HEADS), len(order) - 1)])
    known = known[np.argsort(-counts[known], kind="stable")]
    items, likeness = scorer.similar_items(known.astype(np.int32), _ALIKE)
    rows = [
        (
            joined(
                tag("strong", shown.item(code)),
                tag("div", f"{counts[code]:,} positives", class_="small note"),
            ),
            shown.ranked(items[place], likeness[place]),
        )
        for place, code in enumerate(known)
    ]
    return table(["item", f"most like it, with counts and {scorer.measures[0]}"], rows, align="ll")
