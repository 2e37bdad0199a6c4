"""Published numbers on MovieLens-1M, reproduced from the study file's own settings.

The numbers, protocols and tolerances are those of `cfexp reproduce ml1m`, one table:
`cfexp.bench.figures.FIGURES`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cfexp import ALS, EASE, evaluate, load_study
from cfexp.bench import published
from cfexp.bench.figures import FIGURES, Figure, Key
from cfexp.bench.published import Row
from cfexp.search.prepared.prepare import Prepared, prepare
from cfexp.splits.stage_data import StageData

USUAL = ["recall@10", "ndcg@10", "recall@20", "mrr@10", "hitrate@10"]
STUDY = Path(__file__).parent.parent / "studies" / "ml1m.toml"


def test_the_study_file_has_the_published_protocol() -> None:
    study, figures = load_study(STUDY), published.protocol()
    assert (study.data, study.feedback, study.split) == (
        figures.data,
        figures.feedback,
        figures.split,
    )


def test_every_figure_is_there_once_and_held_tightly() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        if figure.system == "split" or "place" in figure.what:
            assert figure.tolerance == 0
        elif figure.system in {"popularity", "item_knn"}:
            assert figure.tolerance <= 5e-6
    tight = {figure.key: figure.tolerance for figure in FIGURES}
    assert tight["als", "recall@10"] < 0.0025
    assert tight["als", "ndcg@10"] < 0.002


def test_a_figure_is_met_within_its_tolerance_alone() -> None:
    figure = Figure("als", "recall@10", "", published=0.5, tolerance=0.25, why="")
    met = {ours: Row(figure, ours).within for ours in (0.25, 0.75, 0.2, 0.8, float("nan"))}
    assert list(met.values()) == [True, True, False, False, False]


@pytest.fixture(scope="module")
def prepared(data_dir: Path) -> Prepared:
    if not (data_dir / "ml-1m" / "ratings.dat").exists():
        pytest.skip(f"real data sets: no ml-1m in {data_dir}")
    return prepare(load_study(STUDY))


@pytest.fixture(scope="module")
def ours(prepared: Prepared) -> dict[Key, float]:
    return published.measure(prepared)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: " ".join(figure.key))
def test_figure(figure: Figure, ours: dict[Key, float]) -> None:
    row = Row(figure, ours[figure.key])
    assert row.within, f"{figure.published} published, {row.ours} here, ± {figure.tolerance}"


@pytest.mark.data
@pytest.mark.slow
def test_nothing_is_measured_that_is_not_in_the_table(ours: dict[Key, float]) -> None:
    assert set(ours) == {figure.key for figure in FIGURES}


@pytest.mark.data
@pytest.mark.slow
def test_als_with_its_usual_momentum_meets_the_figures_as_well(prepared: Prepared) -> None:
    model = ALS(factors=64, regularization=0.01, alpha=0.0, epochs=20)
    assert model.momentum > 0
    figures = [f for f in FIGURES if f.system == "als" and f.what in USUAL]
    assert len(figures) == len(USUAL)
    means = [
        evaluate(model.fit(prepared.test.training, rng=seed), prepared.test, USUAL).means()
        for seed in range(3)
    ]
    for figure in figures:
        ours = float(np.mean([mean[figure.what] for mean in means]))
        assert ours == pytest.approx(figure.published, abs=figure.tolerance), figure.what


@pytest.mark.data
@pytest.mark.slow
def test_ease_is_what_plain_numpy_computes(prepared: Prepared) -> None:
    stage = prepared.test
    scorer = EASE(regularization=300).fit(stage.training)
    found = evaluate(scorer, stage, ["recall@10", "ndcg@10"]).means()
    recall, ndcg = by_plain_numpy(scorer.weights, stage)
    assert found["recall@10"] == pytest.approx(recall, abs=1e-5)
    assert found["ndcg@10"] == pytest.approx(ndcg, abs=1e-5)


def by_plain_numpy(weights: np.ndarray, stage: StageData) -> tuple[float, float]:
    """Return recall@10 and ndcg@10 of X B, what a user rated being hidden."""
    relevant = stage.relevant.toarray()[stage.users]
    scores = stage.history.toarray()[stage.users] @ weights
    scores[stage.seen.toarray()[stage.users] > 0] = -np.inf
    scores[:, np.bincount(stage.seen.indices, minlength=scores.shape[1]) == 0] = -np.inf
    hits = np.take_along_axis(relevant, np.argsort(-scores, axis=1)[:, :10], axis=1)
    discounts = 1 / np.log2(np.arange(2, 12))
    n = relevant.sum(axis=1).astype(int)  # at most 5
    return (hits.sum(axis=1) / n).mean(), (hits @ discounts / np.cumsum(discounts)[n - 1]).mean()
