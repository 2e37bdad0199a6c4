"""`evaluate`: rank every user's items once, and compute every metric from the lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.errors import EvaluationError, TrainingError
from cfexp.metrics.classes import class_ratios
from cfexp.metrics.evaluation import Evaluation
from cfexp.metrics.lists import TopLists
from cfexp.metrics.metric import METRICS, Metric, PerUser
from cfexp.ranking import top_k

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Codes, Floats, Longs, Mask, Matrix
    from cfexp.metrics.classes import ItemClasses
    from cfexp.models.model import MaskName, Scorer
    from cfexp.splits.split import StageData

__all__ = ["Evaluation", "evaluate"]


def evaluate(
    scorer: Scorer,
    stage: StageData,
    metrics: Sequence[str | Metric],
    *,
    mask: MaskName = "interacted",
    users: Codes | None = None,
    classes: Sequence[ItemClasses] = (),
    threads: int | None = None,
) -> Evaluation:
    """Return the metrics of `scorer` for every user with something to be found.

    Parameters
    ----------
    scorer
        Ranks the candidates of the stage for each user, from the user's history.
    stage
        What is known of each user, and what is to be found. Relevant items that are
        no candidates cannot be found; they count as misses.
    metrics
        Names such as `"ndcg@10"`; one ranking, as deep as the deepest, serves all.
    mask
        What is hidden from a user's list: `"interacted"` (every pair of the history),
        `"positives"` (its positives), `"none"` (nothing: repeat consumption).
    users
        User codes to evaluate; those without relevant items are left out. Default: all.
    classes
        Partitions of the items, whose classes are measured one by one; each one's metric
        must be among `metrics`.
    threads
        Threads for ranking (None: all cores); results do not depend on it.

    Raises
    ------
    InputError
        When a metric is unknown.
    EvaluationError
        When there is nothing to measure, or when the mask hides a relevant item.
    TrainingError
        When scores are not finite, so that they rank nothing.
    """
    wanted = tuple(dict.fromkeys(Metric.parse(metric) for metric in metrics))
    if not wanted:
        raise EvaluationError("there is no metric to compute: name at least one, as 'ndcg@10'")
    evaluated = _with_relevant(stage, users)
    history, relevant = stage.history[evaluated], stage.relevant[evaluated]
    seen = stage.seen[evaluated]
    check_mask(stage, mask)
    hidden = _hidden(stage, mask)

    queries = scorer.queries(history)
    hidden = None if hidden is None else hidden[evaluated]
    items, scores = top_k(
        lambda rows: scorer.scores(queries[rows]),
        len(evaluated),
        min(max(metric.k for metric in wanted), stage.relevant.shape[1]),
        hidden=hidden,
        candidates=stage.candidates,
        threads=threads,
    )
    n_candidates = int(np.count_nonzero(stage.candidates))
    _refuse_unranked(items, scores, n_candidates - (0 if hidden is None else _row_counts(hidden)))
    lists = TopLists(
        items=items,
        hits=_hits(items, relevant),
        n_relevant=_row_counts(relevant),
        popularity=_row_counts(stage.training.by_item.matrix),
        n_candidates=n_candidates,
    )
    evaluation = Evaluation(
        stage=stage.name,
        users=evaluated,
        activity={
            "train_interactions": _row_counts(seen),
            "train_positives": _row_counts(history.matrix),
        },
        items=items,
    )
    for metric in wanted:
        kind, cut = METRICS[metric.name], lists.cut(metric.k)
        if isinstance(kind, PerUser):
            numerator, denominator = kind.function(cut)
            evaluation.numerators[str(metric)] = numerator
            evaluation.denominators[str(metric)] = denominator
        else:
            evaluation.catalogue[str(metric)] = kind.function(cut)
    for partition in classes:
        for name, numerator, denominator in class_ratios(lists, relevant, partition):
            evaluation.class_numerators[name] = numerator
            evaluation.class_denominators[name] = denominator
    return evaluation


def _with_relevant(stage: StageData, users: Codes | None) -> Codes:
    evaluated = stage.users if users is None else np.intersect1d(users, stage.users)
    if len(evaluated) == 0:
        asked = "" if users is None else f" among the {len(users)} asked for"
        raise EvaluationError(
            f"stage {stage.name!r}: no user{asked} has a relevant item, so there is nothing "
            "to measure"
        )
    return evaluated.astype(np.int32)


def _hidden(stage: StageData, mask: MaskName) -> Matrix | None:
    return {"interacted": stage.seen, "positives": stage.history.matrix, "none": None}[mask]


def _refuse_unranked(items: Codes, scores: Floats, rankable: Longs | int) -> None:
    """Raise TrainingError when scores are infinite, or items missing whose score is NaN.

    `rankable` is how many items each user's list can have, or fewer.
    """
    found = np.count_nonzero(items >= 0, axis=1)
    unranked = np.isposinf(scores[:, 0]) | (found < np.minimum(rankable, items.shape[1]))
    if unranked.any():
        raise TrainingError(
            f"the scores of {np.count_nonzero(unranked):,} of {len(items):,} users are not "
            "finite and rank nothing: the values or the model's weights are too large for "
            "float32; lower them, or raise the regularization"
        )


def check_mask(stage: StageData, mask: MaskName) -> None:
    """Raise EvaluationError when `mask` hides what is to be found."""
    hidden = _hidden(stage, mask)
    overlap = 0 if hidden is None else int(_contains(_keys(hidden), _keys(stage.relevant)).sum())
    if overlap:
        raise EvaluationError(
            f"stage {stage.name!r}: {overlap} of {stage.relevant.nnz} relevant pairs are in the "
            f"user's history as well and would be hidden by mask = {mask!r}, so they could "
            'never be found; set mask = "none" to predict repeated consumption, or '
            "novel_only = true in [split] to predict only what is new to a user"
        )


def _hits(items: Codes, relevant: Matrix) -> Mask:
    """Return where `items` (row r: user r's list) are relevant; -1 never is."""
    rows = np.arange(len(items), dtype=np.int64)[:, None]
    asked = np.where(items < 0, -1, rows * relevant.shape[1] + items)
    return _contains(_keys(relevant), asked)


def _contains(ascending: Longs, asked: Longs) -> Mask:
    """Return where `asked` occurs in `ascending`."""
    if len(ascending) == 0:
        return np.zeros(asked.shape, bool)
    place = np.minimum(np.searchsorted(ascending, asked), len(ascending) - 1)
    found: Mask = ascending[place] == asked
    return found


def _keys(matrix: Matrix) -> Longs:
    """Return each entry's position in the flattened matrix, ascending."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows * int(matrix.shape[1]) + matrix.indices


def _row_counts(matrix: Matrix) -> Longs:
    return np.diff(matrix.indptr).astype(np.int64)
