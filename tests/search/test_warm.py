"""The first compilation."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from scipy import sparse

from cfexp import ranking
from cfexp.data.positives import Positives
from cfexp.data.rows import ordering
from cfexp.data.side_information.item_features import ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.metrics import similarity
from cfexp.metrics.evaluate import evaluate
from cfexp.metrics.metric import METRICS, UNCUT
from cfexp.models import exact, kernels, neighbours, nmf
from cfexp.models.als import ALS
from cfexp.models.content import Content
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Model
from cfexp.models.nmf import NMF
from cfexp.search import warm
from cfexp.search.prepared import prepare
from cfexp.search.spec.study_file import load_study
from cfexp.splits.stage_data import StageData

LOOPS = {
    f"{module.__name__}.{name}": loop
    for module in (exact, kernels, neighbours, nmf, ordering, ranking, similarity)
    for name, loop in vars(module).items()
    if isinstance(loop, Dispatcher)
}


def test_what_takes_a_while_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    warm.compile_kernels(said.append)
    said.clear()
    monkeypatch.setattr(warm, "_PATIENCE", 1000)
    warm.compile_kernels(said.append)
    assert said == []
    monkeypatch.setattr(warm, "_PATIENCE", -1)
    warm.compile_kernels(said.append)
    assert len(said) == 1


def test_a_study_of_many_rows_announces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "study.toml"
    data = 'kind = "synthetic", users = 40, items = 30, interactions = 600, seed = 1'
    split = 'kind = "per_user_last", test = 1, validation = 0, novel_only = true'
    model = 'kind = "popularity"'
    file.write_text(
        f'name = "x"\nobjectives = ["ndcg@5"]\ndata = {{ {data} }}\nsplit = {{ {split} }}\n'
        f"[[baselines]]\nmodel = {{ {model} }}\n"
    )
    said: list[str] = []
    monkeypatch.setattr(warm, "_PATIENCE", 0.01)
    monkeypatch.setattr(warm, "sorted_within", lambda *_: time.sleep(0.2))
    prepare.prepare(load_study(file), say=said.append)
    assert said == []
    monkeypatch.setattr(prepare, "MANY", 500)
    prepare.prepare(load_study(file), say=said.append)
    assert said == ["Compiling what sorts many rows; this happens once and takes a few seconds."]


@pytest.mark.parametrize(
    "model",
    [ALS(factors=5, epochs=3, nu=1), ALS(factors=5, epochs=2, solver="cholesky"), EASE(),
     ItemKNN(), NMF(factors=3), Content()],
    ids=lambda model: model.kind,
)  # fmt: skip
def test_nothing_is_left_to_compile(model: Model) -> None:
    warm.compile_kernels()
    warm.compile_sorting()
    compiled = {name: len(loop.overloads) for name, loop in LOOPS.items()}
    rng = np.random.default_rng(0)
    taken = rng.random((60, 40)) < 0.2
    later = sparse.csr_array((~taken & (rng.random((60, 40)) < 0.1)).astype(np.float32))
    matrix = sparse.csr_array(taken.astype(np.float32))
    history = Positives(matrix, np.zeros(matrix.nnz, np.int32))
    training = TrainingData(history, ItemFeatures.of(rng.random((40, 3))))
    stage = StageData("validation", training, history, matrix, later, taken.any(axis=0))
    metrics = [name if name in UNCUT else f"{name}@{k}" for name in METRICS for k in (3, 8)]
    for epoch in model.train(stage.training, rng):
        epoch.loss()
        evaluate(epoch.scorer(), stage, metrics)
    codes = rng.integers(0, 3, 99).astype(np.int32)
    ordering.sorted_within(codes, (rng.integers(0, 9, 99), codes), np.bincount(codes))
    assert {name: len(loop.overloads) for name, loop in LOOPS.items()} == compiled
