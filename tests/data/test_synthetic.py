from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cfexp import memory
from cfexp.data.files.places import Places
from cfexp.data.synthetic import Synthetic
from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.data.interactions import Interactions

NOWHERE = Places(Path("none"), Path("none"))


def make(**fields: float) -> Interactions:
    return Synthetic.model_validate(fields).load(NOWHERE)


def pairs(rows: Interactions) -> np.ndarray:
    return rows.user.astype(np.int64) * len(rows.items) + rows.item


def test_deterministic_and_seeded() -> None:
    small = {"users": 100, "items": 80, "interactions": 2000}
    first, again, other = make(**small), make(**small), make(**small, seed=1)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.titles.tolist() == again.titles.tolist()


def test_shape_of_the_world() -> None:
    rows = make()
    assert rows.shape == (2500, 1200)
    assert len(rows) == pytest.approx(180_000, rel=0.05)
    assert (np.diff(rows.time) >= 0).all()
    assert rows.time[-1] - rows.time[0] <= 365 * 86_400 * 1_000_000
    assert set(rows.value.tolist()) == {1}
    assert len(rows.titles) == 1200 == len(set(rows.titles))


def test_power_laws() -> None:
    rows = make()
    for counts in (np.bincount(rows.user), np.bincount(rows.item)):
        assert counts.max() > 5 * np.median(counts)
        assert np.median(counts) < counts.mean()


def test_repeats_are_as_many_as_asked_for() -> None:
    for share in (0.0, 0.15, 0.5):
        rows = make(users=500, items=400, interactions=20_000, repeat=share)
        assert 1 - len(np.unique(pairs(rows))) / len(rows) == pytest.approx(share, abs=0.02)


def taste_overlap(rows: Interactions) -> float:
    """Mean cosine between users' tastes (read off the titles) in the first and last quarter."""
    taste = np.array([int(title.split("taste ")[1][:-1]) - 1 for title in rows.titles])
    parts = []
    for quarter in (0, 3):
        chosen = np.arange(len(rows)) * 4 // len(rows) == quarter
        counts = np.zeros((len(rows.users), taste.max() + 1))
        np.add.at(counts, (rows.user[chosen], taste[rows.item[chosen]]), 1)
        parts.append(counts)
    norms = np.prod([np.linalg.norm(part, axis=1) for part in parts], axis=0)
    cosine = (parts[0] * parts[1]).sum(axis=1)[norms > 0] / norms[norms > 0]
    return float(cosine.mean())


def test_tastes_drift() -> None:
    still, moving = (taste_overlap(make(drift=drift, tastes=6)) for drift in (0, 1))
    assert still > 0.75
    assert moving < still - 0.25


def test_tastes_are_of_low_rank() -> None:
    small = {"users": 600, "items": 300, "interactions": 24_000}

    def share(focus: float) -> float:
        rows = make(focus=focus, repeat=0, drift=0, tastes=8, **small)
        dense = np.zeros(rows.shape)
        dense[rows.user, rows.item] = 1
        # what independence of users and items does not explain
        expected = np.outer(dense.sum(axis=1), dense.sum(axis=0)) / dense.sum()
        power = np.linalg.svd(dense - expected, compute_uv=False) ** 2
        return float(power[:8].sum() / power.sum())

    assert share(0.95) > share(0) + 0.15


def test_what_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = {"users": 10_000_000, "items": 10_000_000, "interactions": 1_000_000_000}
    with pytest.raises(DataError, match=r"interactions = 1,000,000,000 .*about \d[\d,.]+ GiB"):
        make(**huge, tastes=1_000)
    small = Synthetic(users=10, items=10, interactions=100)
    monkeypatch.setattr(memory, "available", lambda: small.bytes_needed() - 1)
    with pytest.raises(DataError, match="make one of these numbers smaller"):
        small.load(NOWHERE)
    monkeypatch.setattr(memory, "available", lambda: None)
    assert len(small.load(NOWHERE)) > 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"users": 20_000, "items": 100, "interactions": 40_000, "tastes": 200},
        {"users": 100, "items": 50_000, "interactions": 2_000, "tastes": 64},
        {"users": 2_000, "items": 2_000, "interactions": 300_000, "tastes": 1},
    ],
)
def test_memory_is_estimated_from_above_but_not_far(fields: dict[str, int]) -> None:
    source = Synthetic.model_validate(fields)
    tracemalloc.start()
    try:
        source.load(NOWHERE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.05 * source.bytes_needed() < 3 * peak


def test_extremes_are_possible() -> None:
    assert len(make(users=2, items=2, interactions=2)) >= 2
    assert len(make(users=50, items=30, interactions=3000, tastes=1, focus=0, popularity=0)) > 50
