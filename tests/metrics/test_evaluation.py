import numpy as np
import pytest

from cfexp.metrics.evaluation import Evaluation


def test_contributions_have_the_standard_error_of_the_ratio() -> None:
    rng = np.random.default_rng(0)
    n = 400
    sizes = rng.integers(1, 30, n).astype(float)
    hits = rng.binomial(sizes.astype(int), 0.05 + 0.3 / sizes).astype(float)
    found = Evaluation(
        "test",
        np.arange(n, dtype=np.int32),
        numerators={"recall_micro@5": hits},
        denominators={"recall_micro@5": sizes},
        pooled=frozenset({"recall_micro@5"}),
    )
    error = found.contributions("recall_micro@5").std(ddof=1) / np.sqrt(n)
    drawn = [found.mean("recall_micro@5", rng.integers(0, n, n)) for _ in range(4000)]
    assert error == pytest.approx(np.std(drawn), rel=0.06)
