"""A configuration that diverges ends its run with a reason, never with a metric of NaN."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from cfexp.data.positives import Positives
from cfexp.data.training import TrainingData
from cfexp.errors import TrainingError
from cfexp.launch import run_study
from cfexp.models.als import ALS
from cfexp.search.observer import Observer
from cfexp.search.run.runs import read_run, search_run
from cfexp.search.spec.measures import measures
from cfexp.search.spec.spec import StudySpec
from cfexp.splits.stage_data import StageData

RUNS = [search_run, read_run]


@pytest.fixture
def stage() -> StageData:
    rng = np.random.default_rng(0)
    taken = rng.random((40, 30)) < 0.3
    later = ~taken & (rng.random((40, 30)) < 0.1)
    history = Positives(sparse.csr_array(taken.astype(np.float32)))
    relevant = sparse.csr_array(later.astype(np.float32))
    known = taken.any(axis=0)
    return StageData("validation", TrainingData(history), history, history.matrix, relevant, known)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_divergence_ends_a_run(stage: StageData, run: object) -> None:
    with pytest.raises(TrainingError, match="raise the regularization, or lower alpha"):
        run(ALS(factors=4, alpha=3e38, epochs=3), [stage], measures([], ["ndcg@10"], [], None))


class Notes(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


def of_values(small: StudySpec, name: str, values: list[Any], **fields: Any) -> StudySpec:  # noqa: ANN401
    """The small study with these values of one field tried, all of them."""
    document = json.loads(small.model_dump_json())
    model = document["models"][0]
    model["model"] |= fields
    model["space"] = {name: {"kind": "choice", "values": values}}
    document["search"] |= {"trials": len(values), "sampler": {"kind": "grid"}}
    return StudySpec.model_validate(document)


@pytest.mark.parametrize(("solver", "much"), [("auto", [1e30, 3e38]), ("cholesky", [3e38])])
def test_a_trial_that_diverges_has_failed_and_says_why(
    solver: str, much: list[float], small: StudySpec, tmp_path: Path
) -> None:
    spec = of_values(small, "alpha", [*much, 2.0], solver=solver)
    study = run_study(spec, home=tmp_path, track=False)
    trials = {run.model["alpha"]: run for run in study.of_role("trial")}
    assert trials[2.0].state == "complete"
    for alpha in much:
        assert trials[alpha].state == "failed"
        assert "raise the regularization, or lower alpha" in str(trials[alpha].reason)
        assert trials[alpha].metrics == {}
    assert study.readings[-1].finalists == (trials[2.0].number,)
    measured = [run.metrics for run in study.runs]
    measured += [point.metrics for run in study.runs for point in run.curve]
    assert all(math.isfinite(value) for metrics in measured for value in metrics.values())


def test_a_study_that_diverges_throughout_has_no_winner(small: StudySpec, tmp_path: Path) -> None:
    spec = of_values(small, "scoring_alpha", [1e39, 1e300])
    study = run_study(spec, home=tmp_path, track=False)
    for run in study.of_role("trial"):
        assert (run.state, run.metrics) == ("failed", {})
        assert "lower scoring_alpha" in str(run.reason)
    assert study.readings == ()


def test_what_is_too_much_is_noted_once_and_runs(small: StudySpec, tmp_path: Path) -> None:
    notes = Notes()
    spec = of_values(small, "factors", [130, 140], epochs=1)
    study = run_study(spec, home=tmp_path, track=False, threads=9, observer=notes)
    assert {run.state for run in study.runs} == {"complete"}
    (threads,) = [text for text in notes.texts if "more threads than cores" in text]
    assert "1 workers x 9 threads" in threads
    (factors,) = [text for text in notes.texts if "add nothing" in text]
    assert "130 factors for 200 users and 120 items" in factors
