"""`evaluate`: rank every user's items once, and compute every metric from that."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np

from cfexp.errors import EvaluationError, TrainingError
from cfexp.metrics.classes import class_ratios
from cfexp.metrics.evaluation import Evaluation
from cfexp.metrics.lists import Shelf, TopLists
from cfexp.metrics.metric import METRICS, Catalogue, Metric, Ranked
from cfexp.ranking import ExactRanks, top_k
from cfexp.splits.stage_users import StageUsers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import Codes, Floats, Longs, Mask, Matrix
    from cfexp.metrics.classes import ItemClasses
    from cfexp.models.model import MaskName
    from cfexp.models.scorer import Scorer
    from cfexp.splits.stage_data import StageData

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
        Names such as `"ndcg@10"` and `"auc"`; one ranking, as deep as the deepest,
        serves all. Exact ranks are counted only where a metric needs them.
    mask
        What is hidden from a user's list: `"interacted"` (every pair of the history),
        `"positives"` (its positives), `"none"` (nothing: repeat consumption).
    users
        User codes to evaluate; those without relevant items are left out. Default: all.
    classes
        Partitions of the items, whose classes are measured one by one.
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
    asked = _with_relevant(stage, users)
    check_mask(stage, mask)
    hidden = _hidden(asked, mask)
    queries = scorer.queries(asked.history)
    cuts = [metric.k for metric in (*wanted, *(partition.metric for partition in classes))]
    deepest = max((k for k in cuts if k is not None), default=1)
    exact = any(metric.k is None for metric in wanted)
    ranks = ExactRanks.of(asked.relevant) if exact else None
    items, scores = top_k(
        lambda rows: scorer.scores(queries[rows]),
        len(asked),
        min(deepest, stage.relevant.shape[1]),
        hidden=hidden,
        candidates=stage.candidates,
        ranks=ranks,
        threads=threads,
    )
    shelf = _shelf(asked, mask, threads)
    rankable = shelf.n_candidates - (0 if hidden is None else _row_counts(hidden))
    _refuse_unranked(items, scores, ranks, rankable)
    lists = TopLists(
        items=items,
        hits=_hits(items, asked.relevant),
        n_relevant=_row_counts(asked.relevant),
        k=deepest,
        shelf=shelf,
    )
    kinds = {str(metric): METRICS[metric.name] for metric in wanted}
    pooled = {n for n, kind in kinds.items() if not isinstance(kind, Catalogue) and kind.pooled}
    evaluation = Evaluation(
        stage.name,
        asked.users,
        activity=asked.activity,
        items=items,
        tied=_tied(items, scores),
        pooled=frozenset(pooled),
    )
    for metric in wanted:
        _measure(evaluation, metric, lists, ranks)
    for partition in classes:
        for name, numerator, denominator in class_ratios(lists, asked.relevant, partition):
            evaluation.class_numerators[name] = numerator
            evaluation.class_denominators[name] = denominator
    return evaluation


def _measure(
    evaluation: Evaluation, metric: Metric, lists: TopLists, ranks: ExactRanks | None
) -> None:
    """Add the values of `metric` to `evaluation`."""
    name, kind = str(metric), METRICS[metric.name]
    if isinstance(kind, Ranked):
        if ranks is None:
            raise ValueError(f"{metric} needs exact ranks")
        ratio = kind.function(ranks, lists.shelf.n_candidates)
    else:
        found = kind.function(lists if metric.k is None else lists.cut(metric.k))
        if isinstance(found, float):
            evaluation.catalogue[name] = found
            return
        ratio = found
    evaluation.numerators[name], evaluation.denominators[name] = ratio


def _shelf(asked: StageUsers, mask: MaskName, threads: int | None) -> Shelf:
    """Return what is known of the items, made once for the users that a stage is measured on."""
    stage = asked.stage
    shelf = Shelf(
        training=stage.training,
        n_candidates=int(np.count_nonzero(stage.candidates)),
        usual=cache(lambda k: _popular(asked, mask, k, threads)),
    )
    if asked is not stage.of_users:
        return shelf
    return cast("Shelf", stage.known.setdefault(("shelf", mask), shelf))


def _popular(asked: StageUsers, mask: MaskName, k: int, threads: int | None) -> Codes:
    """Return the k most popular items that each user could have been shown."""
    counts = asked.stage.training.item_counts.astype(np.float32)
    items, _ = top_k(
        lambda rows: np.tile(counts, (rows.stop - rows.start, 1)),
        len(asked),
        min(k, len(counts)),
        hidden=_hidden(asked, mask),
        candidates=asked.stage.candidates,
        threads=threads,
    )
    return items


def _with_relevant(stage: StageData, users: Codes | None) -> StageUsers:
    """Return the users to be evaluated."""
    if users is None:
        asked = stage.of_users
    else:
        asked = StageUsers(stage, np.intersect1d(users, stage.users).astype(np.int32))
    if len(asked) == 0:
        among = "" if users is None else f" among the {len(users)} asked for"
        raise EvaluationError(
            f"stage {stage.name!r}: no user{among} has a relevant item, so there is nothing "
            "to measure"
        )
    return asked


def _hidden(asked: StageUsers, mask: MaskName) -> Matrix | None:
    if mask == "none":
        return None
    return asked.seen if mask == "interacted" else asked.history.matrix


def _refuse_unranked(
    items: Codes, scores: Floats, ranks: ExactRanks | None, rankable: Longs | int
) -> None:
    """Raise TrainingError when scores are infinite, or items missing whose score is NaN.

    `rankable` is how many items can be ranked for each user, or fewer.
    """
    found = np.count_nonzero(items >= 0, axis=1)
    unranked = np.isposinf(scores[:, 0]) | (found < np.minimum(rankable, items.shape[1]))
    if ranks is not None:
        unranked |= ranks.n_ranked < rankable
    if unranked.any():
        raise TrainingError(
            f"the scores of {np.count_nonzero(unranked):,} of {len(items):,} users are not "
            "finite and rank nothing: the values or the model's weights are too large for "
            "float32; lower them, or raise the regularization"
        )


def _tied(items: Codes, scores: Floats) -> float:
    """Return the share of lists that hold two items or more, all of one score."""
    length = np.count_nonzero(items >= 0, axis=1)
    last = np.take_along_axis(scores, np.maximum(length - 1, 0)[:, None], axis=1)[:, 0]
    return float(np.mean((length > 1) & (scores[:, 0] == last)))


def check_mask(stage: StageData, mask: MaskName) -> None:
    """Raise EvaluationError when `mask` hides what is to be found."""
    overlap = stage.relevant_hidden[mask]
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
