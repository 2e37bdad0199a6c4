"""What is learnt does not depend on how many threads BLAS has, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("threadpoolctl")

CODE = """
import hashlib
import numpy as np
from scipy import sparse
from cfexp.data.training import TrainingData
from cfexp.models.als import ALS
from cfexp.models.dense import invert

rng = np.random.default_rng(0)
dense = rng.random((12_000, 400)) < rng.beta(1, 60, (12_000, 1))
data = TrainingData.of(sparse.csr_array(dense.astype(np.float32)))
digest = hashlib.sha256()
wide = ALS(factors=128, epochs=1)
start = wide.fit(data, rng=0, threads=1)
for model in (wide, ALS(factors=96, nu=1.0, epochs=2), ALS(factors=96, epochs=2)):
    for epoch in model.train(data, rng, threads=1, start=start):
        digest.update(np.float64(epoch.loss()).tobytes())
        digest.update(epoch.scorer().item_factors.tobytes())
digest.update(epoch.scorer().user_factors.tobytes())
x = rng.random((900, 700))
whole = np.round(16 * x)  # its products are exact, however they are summed
digest.update(invert(whole.T @ whole + np.eye(700), 1).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: BLAS has one thread anyway")
def test_factors_losses_and_inverses() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(found) == 1
