"""Every metric, as `evaluate` gives it, against another implementation on 1,000 users.

There are ties (some users' scores are all equal), lists shorter than k, relevant items
that cannot be recommended, items that nobody has, and a k beyond the number of items.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.metrics.evaluate import evaluate
from cfexp.metrics.metric import METRICS, UNCUT, Metric
from cfexp.splits.stage_data import StageData

if TYPE_CHECKING:
    from cfexp.metrics.evaluation import Evaluation
    from cfexp.models.scorer import Scorer

CUTS = (1, 3, 10, 200)
N_STAGES, N_USERS = 25, 40
NAMES = [*UNCUT, *(f"{name}@{k}" for name in METRICS if name not in UNCUT for k in CUTS)]
PER_USER = [name for name in NAMES if Metric.parse(name).per_user]


@dataclass
class Table:
    scores_of: np.ndarray

    def queries(self, history: object) -> np.ndarray:
        return self.scores_of

    def scores(self, queries: np.ndarray) -> np.ndarray:
        return queries.astype(np.float32)


@dataclass
class Case:
    trained: np.ndarray
    relevant: list[set[int]]
    scores: np.ndarray
    orders: list[list[int]]
    usual: list[list[int]]
    candidates: list[int]
    features: np.ndarray
    found: Evaluation


def standardized(features: np.ndarray, known: np.ndarray) -> np.ndarray:
    mean, deviation = np.nanmean(features[known], axis=0), np.nanstd(features[known], axis=0)
    return np.nan_to_num((features - mean) / deviation)


def ordered(scores: np.ndarray, shown: np.ndarray) -> list[int]:
    return sorted(np.flatnonzero(shown).tolist(), key=lambda item: (-scores[item], item))


@cache
def cases() -> list[Case]:
    found = []
    for seed in range(N_STAGES):
        rng = np.random.default_rng(seed)
        n_items = int(rng.integers(4, 90))
        seen = rng.random((N_USERS + 1, n_items)) < rng.choice([0.2, 0.8])
        seen[:, rng.random(n_items) < 0.1] = False  # these are no candidates
        seen[:, 0] = False  # everyone can be shown something, as the last user has it
        seen[-1, 0] = True
        history = seen & (rng.random(seen.shape) < 0.7)
        history[-1, 0] = True
        relevant = ~seen & (rng.random(seen.shape) < rng.choice([0.05, 0.5]))
        relevant[~relevant.any(axis=1), 0] = True
        relevant[-1] = False
        scores = rng.integers(0, rng.choice([1, 3, 20, 10**6]), (N_USERS, n_items)).astype(float)
        scores[5] = 2
        candidates = seen.any(axis=0)
        matrices = [sparse.csr_array(m.astype(np.float32)) for m in (history, seen, relevant)]
        weighted = sparse.csr_array(history * rng.integers(1, 9, seen.shape).astype(np.float32))
        features = rng.normal(5, 3, (n_items, 4))
        features[rng.random(features.shape) < 0.3] = np.nan
        training = TrainingData(Positives(weighted), ItemFeatures.of(features))
        stage = StageData("test", training, Positives(matrices[0]), *matrices[1:], candidates)
        assert len(stage.users) == N_USERS
        shown = candidates & ~seen[:-1]
        counts = history.sum(axis=0)
        found.append(
            Case(
                trained=history,
                relevant=[set(np.flatnonzero(row).tolist()) for row in relevant[:-1]],
                scores=scores,
                orders=[ordered(s, row) for s, row in zip(scores, shown, strict=True)],
                usual=[ordered(counts, row) for row in shown],
                candidates=np.flatnonzero(candidates).tolist(),
                features=standardized(features, history.any(axis=0)),
                found=evaluate(cast("Scorer", Table(scores)), stage, NAMES),
            )
        )
    return found


def one_user(name: str, k: int, case: Case, user: int) -> float:  # noqa: C901, PLR0911, PLR0912
    """The definitions once more, in plain Python."""
    order, wanted = case.orders[user], case.relevant[user]
    top = order[:k]
    hits = [item in wanted for item in top]
    popularity = case.trained.sum(axis=0)
    n_users = int(case.trained.any(axis=1).sum())
    match name:
        case "recall" | "recall_micro":
            return sum(hits) / len(wanted)
        case "recall_capped":
            return sum(hits) / min(k, len(wanted))
        case "precision":
            return sum(hits) / k
        case "ndcg":
            gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
            return gain / sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))
        case "map":
            at = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit]
            return sum(at) / min(k, len(wanted))
        case "mrr":
            return 1 / (hits.index(True) + 1) if True in hits else 0
        case "hitrate":
            return any(hits)
        case "r_precision":
            return len(wanted & set(order[: len(wanted)])) / len(wanted)
        case "auc":
            others = [item for item in order if item not in wanted]
            if not others:
                return len(wanted & set(order)) / len(wanted)
            right = 0.0
            for item in wanted & set(order):
                for other in others:
                    mine, theirs = case.scores[user, item], case.scores[user, other]
                    right += 1 if mine > theirs else 0.5 if mine == theirs else 0
            return right / (len(wanted) * len(others))
        case "epr":
            last = max(len(case.candidates) - 1, 1)
            places = [order.index(item) if item in order else last for item in wanted]
            return 100 * sum(places) / last / len(wanted)
        case "avg_popularity":
            return float(np.mean([popularity[item] for item in top]))
        case "novelty":
            return float(np.mean([-math.log2(max(popularity[i], 1) / n_users) for i in top]))
        case "diversity":
            apart = []
            for one, other in combinations(top, 2):
                a, b = case.trained[:, one], case.trained[:, other]
                size = math.sqrt(a.sum() * b.sum())
                apart.append(1 - (a & b).sum() / size if size else 1.0)
            return float(np.mean(apart)) if apart else 0.0
        case "feature_diversity":
            apart = []
            for one, other in combinations(top, 2):
                a, b = case.features[one], case.features[other]
                size = math.sqrt((a @ a) * (b @ b))
                apart.append(1 - a @ b / size if size else 1.0)
            return float(np.mean(apart)) if apart else 0.0
        case "serendipity":
            return len(wanted & set(top) - set(case.usual[user][:k])) / k
    raise NotImplementedError(name)


def of_catalogue(name: str, k: int, case: Case) -> float:
    counts = dict.fromkeys(case.candidates, 0)
    for order in case.orders:
        for item in order[:k]:
            counts[item] += 1
    numbers = list(counts.values())
    if name == "coverage":
        return sum(count > 0 for count in numbers) / len(numbers)
    # Gini by its other definition: half the mean absolute difference over the mean
    apart = sum(abs(a - b) for a in numbers for b in numbers)
    return apart / (2 * len(numbers) * sum(numbers))


@pytest.mark.parametrize("name", PER_USER)
def test_agrees_with_plain_loops(name: str) -> None:
    metric = Metric.parse(name)
    near = 1e-6 if metric.needs_features else 1e-12  # features are float32
    for case in cases():
        expected = [one_user(metric.name, metric.k or 0, case, u) for u in range(N_USERS)]
        np.testing.assert_allclose(case.found.values(name), expected, rtol=0, atol=near)
        pooled = metric.name in {"recall_micro", "epr"}
        weights = [len(wanted) if pooled else 1 for wanted in case.relevant]
        mean = np.average(expected, weights=weights)
        assert case.found.means()[name] == pytest.approx(mean, abs=near)
        assert case.found.means()["users"] == N_USERS


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PER_USER])
def test_catalogue_metrics_agree_with_plain_loops(name: str) -> None:
    metric = Metric.parse(name)
    for case in cases():
        expected = of_catalogue(metric.name, metric.k or 0, case)
        assert case.found.means()[name] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow  # ranx compiles its metrics when first used
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("recall", "recall"),
        ("precision", "precision"),
        ("ndcg", "ndcg"),
        ("map", "map"),
        ("mrr", "mrr"),
        ("hitrate", "hit_rate"),
        ("r_precision", "r-precision"),
    ],
)
def test_agrees_with_ranx(ours: str, theirs: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ranx import Qrels, Run
        from ranx import evaluate as ranx

        qrels, run, sizes = {}, {}, []
        for number, case in enumerate(cases()):
            for user, (wanted, order) in enumerate(zip(case.relevant, case.orders, strict=True)):
                qrels[f"{number:02}-{user:02}"] = {f"i{item}": 1 for item in wanted}
                run[f"{number:02}-{user:02}"] = {f"i{i}": -float(r) for r, i in enumerate(order)}
                sizes.append(len(wanted))
        for k in CUTS[:3]:
            name, at = (ours, theirs) if ours in UNCUT else (f"{ours}@{k}", f"{theirs}@{k}")
            expected = ranx(Qrels(qrels), Run(run), at, return_mean=False, make_comparable=True)
            if ours == "map":  # ranx divides by every relevant item, however short the list
                expected = expected * sizes / np.minimum(sizes, k)
            found = np.concatenate([case.found.values(name) for case in cases()])
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import ndcg_score, roc_auc_score

    compared = 0
    for case in cases():
        for user, (wanted, order) in enumerate(zip(case.relevant, case.orders, strict=True)):
            labels = np.array([item in wanted for item in order])
            if not wanted <= set(order) or len(order) < 2 or labels.all():
                continue  # scikit-learn knows no relevant items beyond those ranked
            compared += 1
            expected = roc_auc_score(labels, case.scores[user, order])
            assert case.found.values("auc")[user] == pytest.approx(expected, abs=1e-12)
            expected = ndcg_score([labels], [-np.arange(len(order))], k=10, ignore_ties=True)
            assert case.found.values("ndcg@10")[user] == pytest.approx(expected, abs=1e-12)
    assert compared > N_STAGES * N_USERS / 3


def test_all_ties_rank_by_code_and_have_half_the_area() -> None:
    for case in cases():
        tied = [u for u in range(N_USERS) if len(set(case.scores[u])) == 1]
        assert 5 in tied
        for user in tied:
            order = case.orders[user]
            assert order == sorted(order)
            if case.relevant[user] < set(order):
                assert case.found.values("auc")[user] == pytest.approx(0.5)
