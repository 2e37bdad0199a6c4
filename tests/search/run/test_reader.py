"""What was fitted once is not fitted again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cfexp.launch import run_study
from cfexp.metrics.evaluation import Evaluation
from cfexp.search.observer import Observer
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.record import RunRecord, StudyRecord


class Ended(Observer):
    """Remembers what was told of."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def finished(self, run: RunRecord) -> None:
        self.keys.append(run.key)


def finals(study: StudyRecord) -> dict[str, RunRecord]:
    return {run.key: run for run in study.of_role("final")}


@pytest.mark.parametrize("trials", [9, 12])
def test_a_larger_budget_fits_new_finalists_alone(
    trials: int, small: StudySpec, tmp_path: Path
) -> None:
    before = finals(run_study(small, home=tmp_path, track=False))
    ended = Ended()
    after = run_study(small, home=tmp_path, track=False, trials=trials, observer=ended)
    new = set(finals(after)) - set(before)
    assert {key for key in ended.keys if not key.startswith("trial/")} == new
    assert {key: run for key, run in finals(after).items() if key in before} == before


def test_classes_that_folds_do_not_share_are_not_waited_for(
    small: StudySpec, tmp_path: Path
) -> None:
    document = json.loads(small.model_dump_json())
    document["split"]["folds"] = 2
    document["finals"] = {"configurations": 1, "seeds": 1}
    document["buckets"] = [{"metric": "recall@10", "by": "item_popularity", "quantiles": 3}]
    spec = StudySpec.model_validate(document)
    study = run_study(spec, home=tmp_path, track=False, trials=1)
    for file in Path(study.folder, "vectors").glob("*-val.npz"):
        evaluation = Evaluation.load(file)
        assert len(evaluation.class_numerators) == 3
        evaluation.class_numerators.clear()  # as where one fold has fewer classes than another
        evaluation.class_denominators.clear()
        evaluation.save(file)
    ended = Ended()
    run_study(spec, home=tmp_path, track=False, trials=1, observer=ended)
    assert ended.keys == []
    spec = spec.model_copy(
        update={"buckets": (spec.buckets[0].model_copy(update={"quantiles": 4}),)}
    )
    run_study(spec, home=tmp_path, track=False, trials=1, observer=ended)
    assert len(ended.keys) == 3  # of the popularity, the default and the final


def test_a_finalist_that_is_a_baseline_too_is_fitted_for_its_model_alone(
    small: StudySpec, tmp_path: Path
) -> None:
    document = json.loads(small.model_dump_json())
    document["models"][0]["model"]["epochs"] = 1  # so the best epoch is the last
    document["finals"] = {"configurations": 3, "seeds": 3}
    document["search"]["trials"] = 3
    document["name"] = "alike"
    ended = Ended()
    study = run_study(
        StudySpec.model_validate(document), home=tmp_path, track=False, observer=ended
    )
    twins = {run.seed: run for run in study.of_role("baseline") if run.model["kind"] == "als"}
    runs = [run for run in study.of_role("final") if run.number == 0]
    assert [run.key for run in runs] == [f"final/0/seed-{seed}" for seed in (1, 2, 3)]
    for run in runs:
        twin = twins[run.seed]
        assert (run.metrics, run.model, run.facts) == (twin.metrics, twin.model, twin.facts)
        assert run.generation == 1
        assert (run.started == twin.started) == (run.key != "final/0/seed-1")
        assert len(Evaluation.load(Path(study.folder) / f"{run.vectors}-test.npz")) > 100
    assert sorted(ended.keys) == sorted(run.key for run in study.runs)
    again = run_study(StudySpec.model_validate(document), home=tmp_path, track=False)
    assert again.runs == study.runs
