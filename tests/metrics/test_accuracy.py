import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.metrics import accuracy, beyond_accuracy
from cfexp.metrics.lists import Shelf, TopLists
from cfexp.metrics.metric import METRICS, PerUser

N_ITEMS = 60


def shelf(n_items: int, usual: np.ndarray | None = None) -> Shelf:
    """A shelf of candidates, of which item 2 has no positive."""
    rng = np.random.default_rng(n_items)
    owned = rng.integers(0, 3, (500, n_items))
    owned[:, 2:3] = 0
    positives = Positives.of(sparse.csr_array(owned.astype(np.float32)))
    training = TrainingData(positives, ItemFeatures.of(rng.normal(size=(n_items, 3))))
    return Shelf(training, n_items, lambda k: np.zeros((1, 0)) if usual is None else usual[:, :k])


def random_lists(seed: int, users: int = 80, depth: int = 20) -> TopLists:
    """Random rankings, some shorter than `depth`, of users with 1 to 30 relevant items."""
    rng = np.random.default_rng(seed)
    items = np.full((users, depth), -1, np.int32)
    relevant = []
    for row in range(users):
        length = depth if row % 3 else rng.integers(1, depth + 1)
        items[row, :length] = rng.choice(N_ITEMS, length, replace=False)
        relevant.append(set(rng.choice(N_ITEMS, rng.integers(1, 31), replace=False).tolist()))
    hits = np.array(
        [[item in wanted for item in row] for row, wanted in zip(items, relevant, strict=True)]
    )
    return TopLists(
        items=items,
        hits=hits,
        n_relevant=np.array([len(wanted) for wanted in relevant]),
        k=depth,
        shelf=shelf(N_ITEMS, np.tile(np.arange(depth), (users, 1))),
    )


def test_capped_recall_is_one_when_the_list_is_full_of_hits() -> None:
    lists = TopLists(
        items=np.array([[4, 2, 0]], np.int32),
        hits=np.ones((1, 3), bool),
        n_relevant=np.array([12]),
        k=3,
        shelf=shelf(5),
    )
    numerator, denominator = accuracy.recall_capped(lists)
    assert numerator / denominator == 1
    numerator, denominator = accuracy.recall(lists)
    assert numerator / denominator == 0.25


@pytest.mark.parametrize(
    "name", [name for name, kind in METRICS.items() if isinstance(kind, PerUser)]
)
def test_ratios_are_float64_and_finite(name: str) -> None:
    lists = random_lists(seed=5)
    kind = METRICS[name]
    assert isinstance(kind, PerUser)
    numerator, denominator = kind.function(lists)
    assert numerator.dtype == denominator.dtype == np.float64
    assert numerator.shape == denominator.shape == (len(lists.items),)
    assert (denominator > 0).all()
    assert (numerator >= 0).all()


def test_popularity_and_coverage_against_loops() -> None:
    lists = random_lists(seed=9)
    numerator, denominator = beyond_accuracy.average_popularity(lists)
    expected = [lists.shelf.training.item_counts[row[row >= 0]].mean() for row in lists.items]
    np.testing.assert_allclose(numerator / denominator, expected, rtol=1e-12)
    shown = {int(item) for row in lists.items for item in row if item >= 0}
    assert beyond_accuracy.coverage(lists) == len(shown) / N_ITEMS


def test_an_empty_list_counts_zero() -> None:
    lists = TopLists(
        items=np.full((1, 2), -1, np.int32),
        hits=np.zeros((1, 2), bool),
        n_relevant=np.array([1]),
        k=2,
        shelf=shelf(2),
    )
    for kind in METRICS.values():
        if isinstance(kind, PerUser):
            numerator, denominator = kind.function(lists)
            assert numerator / denominator == 0
    assert beyond_accuracy.coverage(lists) == beyond_accuracy.gini(lists) == 0
