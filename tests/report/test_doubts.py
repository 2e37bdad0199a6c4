from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.metrics.evaluation import Evaluation
from cfexp.report.findings import findings
from cfexp.search.store.record import Environment, Point, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.analysis.intervals import Interval
    from cfexp.search.store.record import StudyRecord


def searched(study: StudyRecord, space: dict[str, Any], *, best: int = 12) -> StudyRecord:
    """Give the study a space and four complete trials, the winner's among them."""
    fields = {"kind": "als", "epochs": 15, "factors": 64, "regularization": 0.01}
    spec = study.spec | {
        "models": [
            {"model": fields | {"alpha": 1.0}, "name": None, "mask": "interacted", "space": space}
        ]
    }
    trials = [
        RunRecord(
            role="trial",
            key=f"trial/{number}",
            label="als",
            entry="als",
            model=fields | {"alpha": 1.23456},
            mask="interacted",
            state="complete",
            curve=(Point(14, {"val/ndcg@10": 0.0800}), Point(15, {"val/ndcg@10": 0.0804})),
            best_epoch=best,
            number=number,
        )
        for number in (4, 5, 16, 17)
    ]
    return dataclasses.replace(study, spec=spec, runs=(*trials, *study.runs))


def warned(study: StudyRecord) -> list[str]:
    """Return the warnings but that of the seeds: the two finalists are close in all studies."""
    return [one for one in findings(study).warnings if "over seeds" not in one]


ALPHA = {"kind": "float", "low": 0.1, "high": 40.0, "log": True}


def test_a_sound_study_has_no_warning(make_study: Callable[..., StudyRecord]) -> None:
    assert warned(searched(make_study(), {"alpha": ALPHA})) == []


def test_the_edge_of_a_range(make_study: Callable[..., StudyRecord]) -> None:
    space = {"alpha": ALPHA | {"high": 1.25}, "regularization": ALPHA | {"low": 0.001}}
    (words,) = warned(searched(make_study(), space))
    assert words.startswith("als #17: alpha 1.235 lies on the high end of its range, 0.1 to 1.25")


def test_an_end_that_the_model_sets_is_no_edge(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    runs = tuple(
        dataclasses.replace(run, model=run.model | {"factors": 1}) if run.role == "final" else run
        for run in study.runs
    )
    space = {"factors": {"kind": "int", "low": 1, "high": 64, "log": False}}
    assert warned(searched(dataclasses.replace(study, runs=runs), space)) == []


def test_few_trials_and_a_last_epoch(make_study: Callable[..., StudyRecord]) -> None:
    names = ("alpha", "a", "b", "c", "d")
    study = searched(make_study(), dict.fromkeys(names, ALPHA), best=15)
    assert warned(study) == [
        "als: 4 complete trials for 5 searched parameters; run more trials.",
        "als #17: its best epoch was the last of 15, which still gained 0.5%; raise epochs.",
    ]


def test_lists_in_the_order_of_ids(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    tied = tuple(
        dataclasses.replace(run, facts={"tied_lists": "97% on test"})
        if run.role == "baseline"
        else run
        for run in study.runs
    )
    (words,) = warned(searched(dataclasses.replace(study, runs=tied), {"alpha": ALPHA}))
    assert words.startswith("als default, item_knn, popularity: on test most users' lists hold")


def test_seeds_that_outweigh_the_choice(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    runs = tuple(
        dataclasses.replace(
            run, metrics=run.metrics | {"val/ndcg@10": run.metrics["val/ndcg@10"] + shift}
        )
        for run in study.runs
        for shift in [{"1": 0.004, "2": 0.0, "3": -0.004}[run.key[-1]] * (run.role == "final")]
    )
    (words,) = findings(dataclasses.replace(study, runs=runs)).warnings
    assert words.startswith("On validation the winner is 0.00")
    assert "als #4, the runner-up" in words


def test_a_test_set_that_cannot_tell(make_study: Callable[..., StudyRecord]) -> None:
    words = warned(make_study(winner=0.08, default=0.08))[-1]
    assert words.startswith("With 600 users, differences from als default below ")


def risen(study: StudyRecord, factor: float, users: slice = slice(None)) -> StudyRecord:
    """Raise the winner's validation values, user by user."""
    runs = []
    for run in study.runs:
        if run.number == 17:
            path = Path(study.folder, f"{run.vectors}-val.npz")
            evaluation = Evaluation.load(path)
            evaluation.numerators["ndcg@10"][users] *= factor
            evaluation.save(path)
            mean = evaluation.mean("ndcg@10")
            runs.append(dataclasses.replace(run, metrics=run.metrics | {"val/ndcg@10": mean}))
        else:
            runs.append(run)
    return dataclasses.replace(study, runs=tuple(runs))


def test_luck_of_the_choice(make_study: Callable[..., StudyRecord]) -> None:
    (words,) = warned(risen(make_study(), 1.5))
    assert words.startswith(
        "From validation to test the winner changed by −36.6%, als default by −6.4%"  # noqa: RUF001
    )


def test_a_fall_within_the_errors_is_no_luck(make_study: Callable[..., StudyRecord]) -> None:
    few = slice(0, 2)  # whose values are so large that the mean is uncertain
    study = risen(make_study(), 60, few)
    (own,) = {round(one.estimate, 4) for one in intervals_of(study, "val")}
    (after,) = {round(one.estimate, 4) for one in intervals_of(study, "test")}
    assert after / own - 1 < -0.06 - 0.05
    assert warned(study) == []


def intervals_of(study: StudyRecord, stage: str) -> list[Interval]:
    found = findings(study)
    return [
        around[f"{stage}/ndcg@10"]
        for row, around in zip(found.rows, found.intervals, strict=True)
        if row.winner
    ]


def test_a_study_that_does_not_repeat_says_so(make_study: Callable[..., StudyRecord]) -> None:
    study = searched(make_study(), {"alpha": ALPHA})
    parallel = dataclasses.replace(study, environments=(Environment(0, {"workers": "2"}),))
    (words,) = warned(parallel)
    assert words.startswith("Trials ran in 2 workers at a time")
    assert "does not repeat exactly" in words
    blind = {"search": {"sampler": {"kind": "random"}, "pruner": {"kind": "none"}}}
    assert warned(dataclasses.replace(parallel, spec=study.spec | blind)) == []
    first, *others = study.runs
    beside = dataclasses.replace(first, worker="0123abcd")
    (words,) = warned(dataclasses.replace(study, runs=(beside, *others)))
    assert words.startswith("Trials ran in 2 processes that shared the study, and the order")
    timed = dataclasses.replace(first, facts={"timeout": "60 s, after epoch 3"})
    (words,) = warned(dataclasses.replace(study, runs=(timed, *others)))
    assert words.startswith("1 trial ended at the study's time limit")


def test_a_search_that_was_stopped_says_so(make_study: Callable[..., StudyRecord]) -> None:
    study = dataclasses.replace(searched(make_study(), {"alpha": ALPHA}), timeout=600.0)
    assert warned(dataclasses.replace(study, budget=4)) == [], "others ended the rest"
    (words,) = warned(study)
    assert words.startswith("The search was stopped by --timeout after 4 of 30 trials")
