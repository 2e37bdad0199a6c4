"""Values too large for float32 end a fit, or a reading, with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import TrainingError
from cfexp.metrics.evaluate import evaluate
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Model
from cfexp.models.nmf import NMF
from cfexp.models.svd import PureSVD
from cfexp.splits.stage_data import StageData


def positives(largest: float) -> Positives:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((60, 40)) < 0.2, largest, 0)
    matrix = sparse.csr_array(dense.astype(np.float32))
    return Positives(matrix, np.zeros(matrix.nnz, np.int32))


@pytest.mark.parametrize(
    ("model", "largest", "words"),
    [
        (NMF(factors=6, binary=False), 1e30, "factors of NMF .* binary = true"),
        (NMF(factors=6, binary=False), 3e38, "NMF failed on values up to 3e.38"),
        (PureSVD(factors=6, binary=False), 3e38, "PureSVD failed on values up to 3e.38"),
        (ItemKNN(binary=False, normalization=0), 1e30, "similarities .* raise normalization"),
        (ItemKNN(recency=1e300), 1, "weights of interactions .* lower recency"),
        (EASE(recency=1e300), 1, "weights of interactions .* lower recency"),
    ],
    ids=repr,
)
def test_fits_that_overflow(model: Model, largest: float, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        model.fit(positives(largest), rng=0)


@pytest.mark.parametrize(
    ("model", "largest"), [(EASE(binary=False), 3e38), (ItemKNN(scoring_recency=3e38), 1)], ids=repr
)
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_scores_that_rank_nothing_are_not_measured(model: Model, largest: float) -> None:
    history = positives(largest)
    free = sparse.csr_array((history.toarray() == 0).astype(np.float32))
    known = np.diff(history.transposed().indptr) > 0
    data = TrainingData(history)
    stage = StageData("validation", data, history, history.matrix, free, known)
    scorer = model.fit(history, rng=0)
    with pytest.raises(TrainingError, match=r"scores of \d+ of 60 users are not finite"):
        evaluate(scorer, stage, ["ndcg@10"])
