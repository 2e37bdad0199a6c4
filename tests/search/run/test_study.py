"""A study run for real, in its own processes: budgets, resumes, deaths, repeats."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np
import optuna
import pytest
from helpers import outcome, outcomes

from cfexp.errors import EvaluationError, InputError, StudyConflictError
from cfexp.launch import run_study
from cfexp.models.saved import load
from cfexp.search.observer import Observer
from cfexp.search.run.pool import Pool
from cfexp.search.run.study import _Coordinator
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.record import Point, RunRecord, StudyRecord
from cfexp.search.store.storage import ABOUT, open_storage
from cfexp.studies import open_study


def test_a_study_runs_to_its_budget(finished: tuple[Path, StudyRecord]) -> None:
    _, study = finished
    assert Counter(run.role for run in study.runs) == {"trial": 8, "baseline": 3, "final": 4}
    assert [run.number for run in study.of_role("trial")] == list(range(8))
    assert {run.state for run in study.of_role("trial")} <= {"complete", "pruned"}
    assert [reading.generation for reading in study.readings] == [1]
    assert study.readings[0].winner == study.readings[0].finalists[0]


def test_what_runs_are_computed_with_is_written_when_it_changes(
    finished: tuple[Path, StudyRecord], small: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, first = finished
    (only,) = first.environments
    assert only.facts["numpy"] == np.__version__
    assert {"threads", "workers", "cores"} <= only.facts.keys()
    assert all(first.environment_of(run) == only.facts for run in first.runs)
    assert run_study(small, home=home, track=False).environments == (only,)
    monkeypatch.setattr("cfexp.search.run.study.provenance", lambda: only.facts | {"numpy": "9"})
    resumed = run_study(small, home=home, track=False)
    assert [one.facts["numpy"] for one in resumed.environments] == [np.__version__, "9"]
    assert all(resumed.environment_of(run) == only.facts for run in resumed.runs)


def test_every_run_has_its_metrics_and_its_model(finished: tuple[Path, StudyRecord]) -> None:
    home, study = finished
    for run in study.runs:
        prefixes = {"val"} if run.role == "trial" else {"val", "test"}
        for prefix in prefixes:
            assert 0 <= run.metrics[f"{prefix}/ndcg@10"] <= 1
            assert run.metrics[f"{prefix}/users"] > 100
        assert run.model["kind"] in {"als", "popularity"}
        assert run.ended >= run.started > 0
        assert run.peak_memory is not None
        assert run.peak_memory > 50_000_000
        if run.role == "trial":
            epochs = [point.epoch for point in run.curve]
            assert epochs == list(range(1, len(epochs) + 1))
            best = max(run.curve, key=lambda point: point.metrics["val/ndcg@10"])
            assert run.best_epoch == best.epoch
            assert run.metrics["val/ndcg@10"] == best.metrics["val/ndcg@10"]
        else:
            assert (home / "studies" / "small" / f"{run.vectors}-test.npz").exists()


def test_the_default_configuration_is_tried_first(finished: tuple[Path, StudyRecord]) -> None:
    first = finished[1].of_role("trial")[0]
    assert (first.model["factors"], first.model["alpha"]) == (8, 1.0)


def test_the_winner_is_best_on_validation_over_seeds(finished: tuple[Path, StudyRecord]) -> None:
    study = finished[1]
    means = {
        number: sum(
            run.metrics["val/ndcg@10"] for run in study.of_role("final") if run.number == number
        )
        for number in study.readings[0].finalists
    }
    assert study.readings[0].winner == max(means, key=lambda number: means[number])


def test_the_saved_model_is_the_winner(finished: tuple[Path, StudyRecord]) -> None:
    home, study = finished
    saved = load(home / "studies" / "small" / "model" / "model.npz")
    winner = next(
        run for run in study.runs if run.key == f"final/{study.readings[0].winner}/seed-1"
    )
    assert saved.scorer.model.model_dump(mode="json") == winner.model


def test_the_same_file_and_seed_give_the_same_numbers(
    finished: tuple[Path, StudyRecord], small: StudySpec, tmp_path: Path
) -> None:
    again = run_study(small, home=tmp_path, track=False, threads=1)
    assert outcomes(again) == outcomes(finished[1])


def test_a_finished_study_has_nothing_left_to_do(
    finished: tuple[Path, StudyRecord], small: StudySpec
) -> None:
    home, study = finished
    again = run_study(small, home=home, track=False)
    assert again.runs == study.runs
    assert again.readings == study.readings


class Stop(Observer):
    """Interrupts the study when it has seen enough."""

    def __init__(self, trials: int, epoch: int = 0) -> None:
        self.trials, self.epoch = trials, epoch

    def finished(self, run: RunRecord) -> None:
        if run.role == "trial" and run.number == self.trials and not self.epoch:
            raise KeyboardInterrupt

    def point(self, key: str, point: Point) -> None:
        if key == f"trial/{self.trials}" and point.epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [Stop(0), Stop(3, epoch=1), Stop(7, epoch=1)])
def test_interrupted_and_resumed_equals_uninterrupted(
    stop: Stop, finished: tuple[Path, StudyRecord], small: StudySpec, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_study(small, home=tmp_path, track=False, observer=stop)
    half = open_study(tmp_path, "small").record()
    assert len(half.of_role("trial")) == stop.trials + (not stop.epoch)
    assert outcomes(run_study(small, home=tmp_path, track=False)) == outcomes(finished[1])


@pytest.mark.parametrize(
    "pruner",
    [
        {"kind": "none"},
        {"kind": "median", "startup": 2, "warmup": 1},
        {"kind": "halving", "first": 1, "reduction": 2},
    ],
    ids=lambda pruner: pruner["kind"],
)
def test_trials_of_a_resumed_study_are_pruned_alike(
    pruner: dict[str, object], small: StudySpec, tmp_path: Path
) -> None:
    finals = {"configurations": 1, "seeds": 1}
    spec = changed(small, tmp_path, baselines=[], finals=finals, search={"pruner": pruner})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run_study(spec, home=cut, track=False, trials=4)
    resumed = run_study(spec, home=cut, track=False, trials=10)
    once = run_study(spec, home=whole, track=False, trials=10)
    assert [outcome(run) for run in resumed.of_role("trial")] == [
        outcome(run) for run in once.of_role("trial")
    ]


def test_a_reading_counts_the_trials_that_it_chose_from(
    finished: tuple[Path, StudyRecord], small: StudySpec, tmp_path: Path
) -> None:
    shutil.copytree(finished[0], tmp_path / "home")
    store = open_study(tmp_path / "home", "small")
    study = store.record()
    last = next(
        run for run in study.of_role("trial") if run.trial not in study.readings[-1].finalists
    )
    before = dataclasses.replace(study, runs=tuple(run for run in study.runs if run != last))
    with Pool(1, print) as pool:
        _Coordinator(small, store, pool, Observer()).finals(before)
    assert store.record().readings[-1].trials == 7


def test_a_lease_without_a_length_is_refused_before_anything(
    small: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFEXP_LEASE_SECONDS", "abc")
    with pytest.raises(InputError, match="CFEXP_LEASE_SECONDS is from 1 to 86400"):
        run_study(small, home=tmp_path / "home", track=False)
    assert not (tmp_path / "home").exists()


def test_a_larger_budget_goes_on_and_counts_the_second_reading(
    finished: tuple[Path, StudyRecord], small: StudySpec, tmp_path: Path
) -> None:
    first = dataclasses.asdict(run_study(small, home=tmp_path, track=False, trials=4))
    assert len([run for run in first["runs"] if run["role"] == "trial"]) == 4
    study = run_study(small, home=tmp_path, track=False)
    assert [run.number for run in study.of_role("trial")] == list(range(8))
    assert [outcome(run) for run in study.of_role("trial")] == [
        outcome(run) for run in finished[1].of_role("trial")
    ]
    assert study.readings[0].trials == 4
    assert study.readings[-1].winner == finished[1].readings[-1].winner


def test_a_trial_is_written_down_while_the_next_one_computes(
    small: StudySpec, tmp_path: Path
) -> None:
    heard: dict[str, float] = {}

    class Hears(Observer):
        def finished(self, run: RunRecord) -> None:
            heard[run.key] = time.time() * 1000
            stored = {one.key for one in open_study(tmp_path, "small").record().runs}
            assert run.key in stored

    study = run_study(small, home=tmp_path, track=False, observer=Hears())
    trials = study.of_role("trial")
    for one, following in itertools.pairwise(trials):
        assert following.started <= heard[one.key]
    assert 0 < study.seconds["optuna_delay_per_trial"] < study.seconds["optuna_per_trial"]


def test_two_workers_share_a_budget(small: StudySpec, tmp_path: Path) -> None:
    study = run_study(small, home=tmp_path, track=False, workers=2)
    assert [run.number for run in study.of_role("trial")] == list(range(8))
    assert {run.state for run in study.runs} <= {"complete", "pruned"}


def test_another_science_under_the_same_name_is_refused(
    finished: tuple[Path, StudyRecord], small: StudySpec
) -> None:
    home, _ = finished
    before = open_study(home, "small").record()
    other = small.model_copy(update={"seed": 6})
    with pytest.raises(StudyConflictError, match="seed: stored 5, now 6"):
        run_study(other, home=home, track=False)
    assert open_study(home, "small").record() == before


def test_other_data_under_the_same_name_are_refused(tmp_path: Path, small: StudySpec) -> None:
    rows = [f"{user},{item},1,{item}" for user in range(30) for item in range(user % 5, 20)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["user,item,value,time", *rows]))
    document = json.loads(small.model_dump_json())
    columns = {"user": "user", "item": "item", "value": "value", "time": "time"}
    document["data"] = {"kind": "csv", "path": str(file), "columns": columns}
    document["search"]["trials"] = 1
    spec = StudySpec.model_validate(document).read_from("", tmp_path)
    run_study(spec, home=tmp_path / "home", track=False)
    file.write_text("\n".join(["user,item,value,time", *rows[1:]]))
    with pytest.raises(StudyConflictError, match="other data"):
        run_study(spec, home=tmp_path / "home", track=False)


def rewritten(home: Path, **changes: object) -> None:
    """Put other words into what a stored study says of itself."""
    study = optuna.load_study(study_name="small", storage=open_storage(home))
    study.set_user_attr(ABOUT, study.user_attrs[ABOUT] | changes)


def test_a_study_stored_before_there_was_a_key_goes_on(small: StudySpec, tmp_path: Path) -> None:
    before = run_study(small, home=tmp_path, track=False, trials=2)
    older = json.loads(small.model_dump_json())
    del older["search"]["patience"], older["split"]["cold_items"]
    rewritten(tmp_path, spec=older, science="of other keys", fingerprint="too", version="0.0.9")
    again = run_study(small, home=tmp_path, track=False, trials=2)
    assert again.runs == before.runs
    assert (again.science, again.fingerprint) == (before.science, before.fingerprint)


def test_a_study_stored_with_keys_that_are_gone_is_refused(
    small: StudySpec, tmp_path: Path
) -> None:
    run_study(small, home=tmp_path, track=False, trials=1)
    older = json.loads(small.model_dump_json())
    older["search"]["hurry"] = 1
    rewritten(tmp_path, spec=older, science="of other keys", version="0.0.9")
    with pytest.raises(StudyConflictError, match=r"stored by cfexp 0.0.9 .* give it a new name"):
        run_study(small, home=tmp_path, track=False)
    rewritten(tmp_path, spec=json.loads(small.model_dump_json()), fingerprint="x", rows="y")
    with pytest.raises(StudyConflictError, match=r"other data .*, by cfexp 0.0.9"):
        run_study(small, home=tmp_path, track=False)


def test_a_renamed_baseline_is_shown_once(small: StudySpec, tmp_path: Path) -> None:
    run_study(small, home=tmp_path, track=False, trials=1)
    document = json.loads(small.model_dump_json())
    document["baselines"][0]["name"] = "most popular"
    study = run_study(StudySpec.model_validate(document), home=tmp_path, track=False, trials=1)
    labels = [run.label for run in study.of_role("baseline")]
    assert sorted(labels) == ["als default seed 1", "als default seed 2", "most popular"]


def test_reading_the_same_choice_again_is_no_new_reading(small: StudySpec, tmp_path: Path) -> None:
    before = run_study(small, home=tmp_path, track=False, trials=2)
    more = changed(small, tmp_path, buckets=[{"metric": "recall@20"}])
    study = run_study(more, home=tmp_path, track=False, trials=2)
    assert study.readings == before.readings
    finals = study.of_role("final")
    assert all("test/recall@20" in run.metrics for run in finals)
    assert {run.generation for run in finals} == {1}


def test_a_study_that_is_being_run_is_refused(small: StudySpec, tmp_path: Path) -> None:
    class Second(Observer):
        def started(self, study: StudyRecord) -> None:
            with pytest.raises(StudyConflictError, match="another process"):
                run_study(small, home=tmp_path, track=False)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(small, home=tmp_path, track=False, observer=Second())


def changed(spec: StudySpec, folder: Path, **changes: object) -> StudySpec:
    """The same study with some keys of its file changed."""
    document = json.loads(spec.model_dump_json())
    for section, values in changes.items():
        document[section] = (document[section] | values) if isinstance(values, dict) else values
    return StudySpec.model_validate(document).read_from("", folder)


def test_a_study_that_died_at_birth_is_started_again(
    small: StudySpec, finished: tuple[Path, StudyRecord], tmp_path: Path
) -> None:
    from cfexp.search.store.storage import study_names

    storage = open_storage(tmp_path)
    optuna.create_study(study_name="small", storage=storage, directions=["maximize"])
    assert study_names(storage) == []
    with pytest.raises(StudyConflictError, match="before it began"):
        open_study(tmp_path, "small")
    assert outcomes(run_study(small, home=tmp_path, track=False)) == outcomes(finished[1])


def test_fewer_seeds_and_more_finalists_are_judged_alike(small: StudySpec, tmp_path: Path) -> None:
    run_study(small, home=tmp_path, track=False)
    spec = changed(small, tmp_path, finals={"seeds": 1, "configurations": 3})
    study = run_study(spec, home=tmp_path, track=False)
    firsts = {
        run.number: run.metrics["val/ndcg@10"]
        for run in study.of_role("final")
        if run.key.endswith("/seed-1")
    }
    assert set(firsts) == set(study.readings[-1].finalists)
    assert study.readings[-1].winner == max(firsts, key=lambda number: firsts[number])


def test_two_models_share_the_trials_and_are_sampled_apart(
    small: StudySpec, tmp_path: Path
) -> None:
    models = json.loads(small.model_dump_json())["models"]
    kinds = [models[0] | {"share": 2.0}, models[0] | {"name": "wide", "mask": "positives"}]
    document = json.loads(small.model_dump_json()) | {"models": kinds, "name": "two"}
    document["search"]["trials"] = 9
    spec = StudySpec.model_validate(document)
    study = run_study(spec, home=tmp_path, track=False)
    assert Counter(run.entry for run in study.of_role("trial")) == {"als": 6, "wide": 3}
    assert [run.number for run in study.of_role("trial")] == list(range(9))


def test_a_mask_that_hides_what_is_to_be_found_is_refused_before_anything(
    small: StudySpec, tmp_path: Path
) -> None:
    spec = changed(small, tmp_path, split={"novel_only": False})
    with pytest.raises(EvaluationError, match="novel_only = true"):
        run_study(spec, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_without_validation_only_baselines_run(small: StudySpec, tmp_path: Path) -> None:
    spec = changed(small, tmp_path, split={"validation": 0}, search={"trials": 0})
    study = run_study(spec, home=tmp_path / "home", track=False)
    assert {run.role for run in study.runs} == {"baseline"}
    assert run_study(spec, home=tmp_path / "home", track=False).runs == study.runs
    with pytest.raises(InputError, match="validation stage"):
        run_study(spec, home=tmp_path / "home", track=False, trials=2)


@pytest.mark.parametrize("name", ["odd ?x#{y}%20", "späce"])
def test_a_home_of_any_name_holds_the_whole_study(
    name: str, small: StudySpec, tmp_path: Path
) -> None:
    run_study(small, home=tmp_path / name, track=False, trials=2)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "optuna.db").stat().st_size > 0
    assert not (tmp_path / name / "studies" / "small" / "stages").exists()


def test_a_home_that_cannot_be_used_is_an_input_error(small: StudySpec, tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("no database, but long enough to be read as one" * 50)
    with pytest.raises(InputError, match="cannot be used"):
        run_study(small, home=tmp_path, track=False)
    with pytest.raises(InputError, match="cannot be written"):
        run_study(small, home="/dev/null", track=False)
    with pytest.raises(InputError, match="start at 1"):
        run_study(small, home=tmp_path, track=False, workers=0)
