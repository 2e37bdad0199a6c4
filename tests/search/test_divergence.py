"""A configuration that diverges ends its run with a reason, never with a metric of NaN."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.training import Positives, TrainingData
from cfexp.errors import TrainingError
from cfexp.metrics.metric import Metric
from cfexp.models.als import ALS
from cfexp.search.runs import read_run, search_run
from cfexp.splits.split import StageData

RUNS = [search_run, read_run]


@pytest.fixture
def stage() -> StageData:
    rng = np.random.default_rng(0)
    taken = rng.random((40, 30)) < 0.3
    later = ~taken & (rng.random((40, 30)) < 0.1)
    history = Positives(sparse.csr_array(taken.astype(np.float32)))
    relevant = sparse.csr_array(later.astype(np.float32))
    return StageData("validation", TrainingData(history), history, history.matrix, relevant)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_divergence_ends_a_run(stage: StageData, run: object) -> None:
    with pytest.raises(TrainingError, match="raise the regularization, or lower alpha"):
        run(ALS(factors=4, alpha=3e38, epochs=3), [stage], [Metric.parse("ndcg@10")])
