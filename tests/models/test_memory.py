"""What a fit takes of memory: estimated before, measured in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from cfexp import memory
from cfexp.data.training import TrainingData
from cfexp.errors import DataError
from cfexp.models.als import ALS
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.model import Model
from cfexp.models.nmf import NMF
from cfexp.models.popularity import Popularity
from cfexp.models.random import Random
from cfexp.models.repeat_last import RepeatLast
from cfexp.models.svd import PureSVD

MEASURE = """
import gc, json, sys
import numpy as np
from pydantic import TypeAdapter
from scipy import sparse
from cfexp.data.training import TrainingData
from cfexp.models.any_model import AnyModel
from cfexp.peak import forget_peak, peak_memory, resident_memory

def data(users, items, nnz):
    rng = np.random.default_rng(0)
    pairs = (rng.integers(0, users, nnz), rng.integers(0, items, nnz))
    found = TrainingData.of(sparse.csr_array((np.ones(nnz), pairs), shape=(users, items)))
    found.by_item, found.item_counts
    return found

small = data(60, 50, 400)
for shape, *models in json.load(sys.stdin):
    large = data(*shape)
    for fields in models:
        model = TypeAdapter(AnyModel).validate_python(fields)
        model.fit(small, rng=0, threads=2)  # libraries and compiled loops
        gc.collect()
        assert forget_peak()
        before = resident_memory()
        scorer = model.fit(large, rng=0, threads=2)
        print(json.dumps([model.memory(large, 2), peak_memory() - before]))
        del scorer
"""

MODELS: list[tuple[tuple[int, int, int], list[Model]]] = [
    ((3000, 2500, 60_000), [EASE(), ItemKNN(neighbours=1500), Popularity(), RepeatLast()]),
    (
        (60_000, 2000, 150_000),
        [
            ALS(factors=128, epochs=2),
            ALS(factors=512, epochs=1),
            PureSVD(factors=60),
            NMF(factors=60, iterations=1),
        ],
    ),
]
SMALL = 2**23
"""Bytes below which it does not matter."""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's peak memory")
def test_estimates_are_near_what_is_measured() -> None:
    todo = [(shape, *(one.model_dump() for one in models)) for shape, models in MODELS]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input=json.dumps(todo),
        capture_output=True,
        text=True,
        check=True,
        # freed memory goes back at once, or the next model finds it there
        env=os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "65536"},
    )
    models = [one for _, of_shape in MODELS for one in of_shape]
    for model, line in zip(models, done.stdout.splitlines(), strict=True):
        estimated, measured = json.loads(line)
        words = f"{model.kind}: {estimated / 2**20:.0f} MiB for {measured / 2**20:.0f} MiB"
        assert 0.8 * measured - SMALL < estimated < 2 * measured + SMALL, words
        assert measured > 5 * SMALL or model.kind in {"popularity", "repeat_last"}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ALS(factors=2048), "als with 2,048 factors on 30 users and 20 items takes about 0.1 GiB"),
        (EASE(), "ease on 30 users and 20 items takes about .* items x items matrix"),
        (ItemKNN(), "lower neighbours"),
        (PureSVD(), "lower factors"),
        (NMF(), "lower factors"),
        (Popularity(), "drop rare"),
        (RepeatLast(), "drop rare"),
    ],
    ids=lambda one: one.kind if isinstance(one, Model) else "",
)
def test_a_fit_that_cannot_fit_is_refused(
    model: Model, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = TrainingData.of(sparse.csr_array(np.ones((30, 20))))
    monkeypatch.setattr(memory, "available", lambda: 100)
    with pytest.raises(DataError, match=words):
        model.fit(data)
    Random().fit(data)  # takes nothing


def test_folds_are_in_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData.of(sparse.csr_array(np.ones((30, 20))))
    model = EASE()
    monkeypatch.setattr(memory, "available", lambda: model.memory(data, 1))
    model.refuse_unfit(data, threads=1)
    with pytest.raises(DataError, match="2 folds at once"):
        model.refuse_unfit(data, data, threads=1)
