from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from cfexp.search.store.record import Environment
from cfexp.tracking.names import TAG_LENGTH, run_entry, run_tags

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


def test_params_are_the_models_fields(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    entry = run_entry(run)
    assert entry.params == {
        "kind": "als",
        "factors": "16",
        "alpha": "0.5",
        "note": "",
        "mask": "interacted",
        "seed": "0",
    }


def test_the_shown_value_is_the_kept_one_and_the_curve_is_whole(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    samples = [s for s in run_entry(run).samples if s.name == "val/ndcg_at_10"]
    assert [s.step for s in samples] == [1, 2, 3, 4, 5, 5]
    # MLflow shows the highest step and, of these, the newest.
    latest = max(samples, key=lambda s: (s.step, s.time))
    assert latest.value == run.metrics["val/ndcg@10"]


def test_a_value_kept_from_the_last_epoch_is_written_once(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    short = dataclasses.replace(run, curve=run.curve[:3])
    assert [s.step for s in run_entry(short).samples if s.name == "val/ndcg_at_10"] == [1, 2, 3]


def test_finals_carry_their_generation_as_step(study: StudyRecord) -> None:
    run = dataclasses.replace(study.of_role("final")[0], generation=4)
    steps = {s.step for s in run_entry(run).samples if s.name.startswith("test/")}
    assert steps == {4}


def test_values_that_are_not_finite_are_left_out(study: StudyRecord) -> None:
    run = dataclasses.replace(
        study.of_role("baseline")[0], metrics={"val/ndcg@10": math.nan, "val/map@10": 0.5}
    )
    assert [s.name for s in run_entry(run).samples if s.name.startswith("val/")] == [
        "val/map_at_10"
    ]


def test_a_failure_says_why_within_mlflows_limits(study: StudyRecord) -> None:
    run = dataclasses.replace(study.of_role("trial")[3], reason="x" * 100_000)
    tags = run_entry(run).tags
    assert tags["cfexp.reason"] == "x" * TAG_LENGTH
    assert len(tags["mlflow.note.content"]) == TAG_LENGTH


def test_what_a_fit_settled_by_itself_is_a_tag(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    assert run_entry(run).tags["cfexp.solver_used"] == "cg, 2 steps"
    old = {name: value for name, value in run.to_json().items() if name != "facts"}
    bare = dataclasses.replace(run, facts={})
    assert type(run).from_json(old) == bare  # records of before there were facts
    assert "cfexp.solver_used" not in run_entry(bare).tags


def test_the_same_record_gives_the_same_entry(study: StudyRecord) -> None:
    run = study.of_role("trial")[0]
    assert run_entry(run) == run_entry(type(run).from_json(run.to_json()))


def test_a_run_says_what_it_was_computed_with_not_what_came_later(study: StudyRecord) -> None:
    run = study.of_role("trial")[2]
    later = Environment(run.started + 1, {**study.environments[0].facts, "numpy": "3.0"})
    resumed = dataclasses.replace(study, environments=(*study.environments, later))
    assert run_tags(resumed, run) == run_tags(study, run)
    next_run = study.of_role("trial")[3]
    assert "numpy 3.0" in run_tags(resumed, next_run)["cfexp.versions"]
    unknown = dataclasses.replace(study, environments=())
    assert "cfexp.versions" not in run_tags(unknown, run)


def test_costs_and_the_trial_s_number_are_metrics(study: StudyRecord) -> None:
    values = {s.name: s.value for s in run_entry(study.of_role("trial")[2]).samples}
    assert values["memory/peak_megabytes"] == 200
    assert values["time/fit_seconds"] == 1.5
    assert values["search/trial"] == 2
    assert "search/trial" not in {s.name for s in run_entry(study.of_role("baseline")[0]).samples}


def test_a_pruned_trial_says_when_and_a_whole_one_nothing(study: StudyRecord) -> None:
    whole, _, pruned, _ = study.of_role("trial")[:4]
    assert run_entry(pruned).tags["mlflow.note.content"] == "pruned after epoch 5"
    assert "mlflow.note.content" not in run_entry(whole).tags


def test_tags_that_others_rely_on(study: StudyRecord) -> None:
    tags = run_tags(study, study.of_role("trial")[2])
    assert tags == {
        "cfexp.study": "made up",
        "cfexp.role": "trial",
        "cfexp.trial": "2",
        "cfexp.key": "trial/2",
        "cfexp.entry": "als",
        "cfexp.kind": "als",
        "cfexp.fingerprint": "def",
        "cfexp.versions": "cfexp 1.0, python 3.13.1, numpy 2.4.0",
        "cfexp.machine": "Linux-6, 8 cores",
        "cfexp.threads": "4",
        "cfexp.git_dirty": "true",
        "mlflow.source.git.commit": "abcdef",
        "mlflow.source.git.branch": "main",
    }
