"""Confidence by its formulas, entry by entry in float64."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.errors import DataError
from cfexp.models.confidence import Confidence

VALUES = {(0, 0): 0.5, (0, 2): 7.0, (0, 3): 30.0, (1, 1): 2.0, (3, 0): 0.25, (3, 3): 0.5}
RANK = {(0, 0): 2, (0, 2): 0, (0, 3): 1, (1, 1): 0, (3, 0): 1, (3, 3): 0}
KINDS = ["linear", "log", "binary", "capped", "clipped"]


@pytest.fixture
def positives() -> Positives:
    rows, columns = np.array(list(VALUES)).T
    matrix = sparse.csr_array((list(VALUES.values()), (rows, columns)), shape=(4, 4))
    rank = np.array(list(RANK.values()), np.int32)
    return Positives(matrix.astype(np.float32), rank, (rank * 10).astype(np.float32))


def by_hand(r: float, a: float, kind: str, epsilon: float, unseen: float) -> float:
    c = {
        "linear": unseen + a * r,
        "log": unseen + a * log(1 + r / epsilon),
        "binary": unseen + a,
        "capped": min(unseen + a * r, 9),
        "clipped": unseen + a * min(r, 4),
    }
    return c[kind]


@pytest.mark.parametrize("unseen", [1.0, 0.1])
@pytest.mark.parametrize("recency", [0.0, 6.0])
@pytest.mark.parametrize("by", ["rank", "age"])
@pytest.mark.parametrize("epsilon", [0.7, "user_mean"])
@pytest.mark.parametrize("kind", KINDS)
def test_formulas_in_both_orientations(  # noqa: PLR0917 - one of each
    positives: Positives, kind: str, epsilon: float | str, by: str, recency: float, unseen: float
) -> None:
    confidence = Confidence(
        kind=kind,
        alpha=3,
        epsilon=epsilon,
        cap=9,
        clip=4,
        unseen=unseen,
        recency=recency,
        recency_scale=1.5,
        recency_by=by,
    )
    of_user = {
        user: max(1, np.mean([VALUES[p] for p in VALUES if p[0] == user])) for user, _ in VALUES
    }
    expected = {}
    for (user, item), r in VALUES.items():
        past = RANK[user, item] * (10 if by == "age" else 1)
        a = 3 + recency * exp(-past / 1.5)
        bend = of_user[user] if epsilon == "user_mean" else 0.7
        expected[user, item] = by_hand(r, a, kind, bend, unseen)
    found = confidence.added(positives)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found + unseen, list(expected.values()), rtol=1e-6)
    other = positives.transposed()
    pairs = [(user, item) for item in range(4) for user in range(4) if (user, item) in VALUES]
    np.testing.assert_allclose(
        confidence.added(other, "items") + unseen, [expected[pair] for pair in pairs], rtol=1e-6
    )


def test_side_mean_is_that_of_the_row_being_solved(positives: Positives) -> None:
    confidence = Confidence(kind="log", alpha=2, epsilon="side_mean")
    assert not confidence.has_loss
    # user 0: (0.5 + 7 + 30) / 3 = 12.5; item 0: (0.5 + 0.25) / 2, counted as 1
    assert confidence.added(positives)[0] == pytest.approx(2 * log(1 + 0.5 / 12.5))
    assert confidence.added(positives.transposed(), "items")[0] == pytest.approx(2 * log(1.5))
    assert Confidence(kind="linear", epsilon="side_mean").has_loss


def test_a_plain_matrix_has_no_recency(positives: Positives) -> None:
    plain = Positives(positives.matrix)
    for by in ("rank", "age"):
        found = Confidence(alpha=3, recency=5, recency_by=by).added(plain)
        np.testing.assert_array_equal(found, 3 * positives.data)


def test_age_needs_times(positives: Positives) -> None:
    timeless = Positives(positives.matrix, positives.rank)
    with pytest.raises(DataError, match="needs times"):
        Confidence(recency=5, recency_by="age").added(timeless)


def test_the_newest_of_a_user_may_weigh_most(positives: Positives) -> None:
    found = Confidence(kind="binary", alpha=0, recency=32, recency_scale=2.4).added(positives)
    np.testing.assert_allclose(found[1], 32)
    np.testing.assert_allclose(found[0], 32 * exp(-2 / 2.4), rtol=1e-6)
