from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from cfexp.analysis.significance import holm
from cfexp.metrics.evaluation import Evaluation
from cfexp.report.findings import findings
from cfexp.report.leaderboard import leaderboard, metric_names, readings, winner
from cfexp.report.verdict import verdict
from cfexp.search.store.record import Reading, RunRecord, StudyRecord

METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "mrr@10", "hitrate@10")

if TYPE_CHECKING:
    from collections.abc import Callable


def test_one_row_per_configuration_best_first(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    rows = leaderboard(study)
    assert sorted(row.label for row in rows) == [
        "als #17",
        "als #4",
        "als default",
        "item_knn",
        "popularity",
    ]
    values = [row.metrics["test/ndcg@10"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert [row.label for row in rows if row.default] == ["als default"]


def test_a_row_averages_its_seeds(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    row = winner(leaderboard(study))
    assert row is not None
    assert (row.label, row.trial, len(row.runs), row.epochs) == ("als #17", 17, 3, 12)
    own = [run.metrics["test/ndcg@10"] for run in study.runs if run.number == 17]
    assert row.metrics["test/ndcg@10"] == mean(own)
    assert row.spread["test/ndcg@10"] == stdev(own)
    assert row.searched == {"factors": 64, "alpha": 1.23456, "regularization": 0.01}


def test_what_is_minimized_is_sorted_upwards(make_study: Callable[..., StudyRecord]) -> None:
    rows = leaderboard(make_study(direction="minimize"))
    values = [row.metrics["test/ndcg@10"] for row in rows]
    assert values == sorted(values)


def test_trials_are_no_rows_and_failures_come_last(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    failed = RunRecord(
        role="baseline",
        key="baseline/random/seed-1",
        label="random",
        entry="random",
        model={"kind": "random"},
        mask="interacted",
        state="failed",
        reason="out of memory",
    )
    trial = dataclasses.replace(failed, role="trial", key="trial/0", number=0)
    rows = leaderboard(dataclasses.replace(study, runs=(failed, trial, *study.runs)))
    assert len(rows) == 6
    assert (rows[-1].label, rows[-1].reason, rows[-1].metrics) == ("random", "out of memory", {})


def test_a_later_reading_replaces_the_same_run(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    again = [
        dataclasses.replace(run, generation=2, metrics={"test/ndcg@10": 0.5})
        for run in study.runs
        if run.number == 4
    ]
    rows = leaderboard(dataclasses.replace(study, runs=(*again, *study.runs)))
    assert (rows[0].label, rows[0].metrics) == ("als #4", {"test/ndcg@10": 0.5})


def test_objectives_come_first(make_study: Callable[..., StudyRecord]) -> None:
    names = metric_names(make_study(objectives=("map@10", "ndcg@10")))
    assert names[:2] == ["map@10", "ndcg@10"]
    assert "users" not in names
    assert "coverage@10" in names


def test_readings_are_counted(make_study: Callable[..., StudyRecord]) -> None:
    assert readings(make_study()) == "The test set was read once, after 30 trials."
    twice = (Reading(1, 30, (17,), 3, 17), Reading(2, 60, (17,), 3, 17))
    assert "read 2 times, after 30 and 60 trials" in readings(make_study(readings=twice))


def test_the_verdict_names_every_comparison(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    lines = verdict(study)
    assert lines[0].startswith("als #17, chosen on validation among 30 trials, reaches ndcg@10 0.0")
    assert "(95% interval 0.0" in lines[0]
    assert "over 600 users), mean of 3 seeds ± 0.000" in lines[0]
    assert lines[1] == "Tuning helped: the winner is better than the default configuration."
    assert lines[2].startswith("From validation to test it went from 0.0")
    assert lines[2].endswith(", \N{MINUS SIGN}4.8% (als default: \N{MINUS SIGN}6.4%).")
    compared = [line.partition(":")[0] for line in lines if line.startswith("Against")]
    assert sorted(compared) == [
        "Against als #4, the runner-up",
        "Against als default",
        "Against item_knn",
        "Against popularity",
    ]
    baselines = [line for line in lines if line.startswith("Against") and "runner-up" not in line]
    assert all(": better, +0.0" in line for line in baselines)
    assert "corrected for 4 comparisons (Holm)" in lines[-2]
    assert lines[-1] == "The test set was read once, after 30 trials."


def test_p_values_are_corrected_over_the_family(make_study: Callable[..., StudyRecord]) -> None:
    pairs = [pair for _, pair in findings(make_study(winner=0.08, default=0.08)).pairs if pair]
    assert [pair.p_corrected for pair in pairs] == holm([pair.p for pair in pairs])
    assert len(pairs) == 4


def test_every_mean_has_an_interval(make_study: Callable[..., StudyRecord]) -> None:
    found = findings(make_study())
    for row, known in zip(found.rows, found.intervals, strict=True):
        names = {f"{stage}/{name}" for stage in ("val", "test") for name in METRICS}
        assert set(known) == names
        assert all(known[name].low < row.metrics[name] < known[name].high for name in names)
    assert findings(study := make_study()) is findings(study)


def test_no_interval_for_a_mean_of_other_users(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    for run in study.runs:
        cut(Path(study.folder, f"{run.vectors}-test.npz"), 100)
    assert all("test/ndcg@10" not in known for known in findings(study).intervals)
    assert all("val/ndcg@10" in known for known in findings(study).intervals)


def test_differences_are_those_of_the_table(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study()
    best = winner(leaderboard(study))
    assert best is not None
    for row, pair in findings(study).pairs:
        assert pair is not None
        gap = best.metrics["test/ndcg@10"] - row.metrics["test/ndcg@10"]
        assert abs(pair.mean - gap) < 1e-12
        assert pair.users == 600


def test_tuning_that_changed_nothing_is_called_so(make_study: Callable[..., StudyRecord]) -> None:
    lines = verdict(make_study(winner=0.08, default=0.08))
    assert lines[1] == "Tuning made no clear difference to the default configuration."
    assert any(line.startswith("Against als default: no clear difference, ") for line in lines)


def test_tuning_can_hurt(make_study: Callable[..., StudyRecord]) -> None:
    lines = verdict(make_study(winner=0.06, default=0.08))
    assert lines[1] == "Tuning hurt: the winner is worse than the default configuration."
    assert any(line.startswith("Against als default: worse, −0.0") for line in lines)  # noqa: RUF001


def test_a_metric_without_users_is_not_tested(make_study: Callable[..., StudyRecord]) -> None:
    lines = verdict(make_study(objectives=("coverage@10",)))
    assert [line.split()[0] for line in lines] == ["als", "From", "coverage@10", "The"]


def test_seeds_that_the_study_no_longer_asks_for_are_left_out(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    fewer = dataclasses.replace(study, spec=study.spec | {"finals": {"seeds": 2}})
    rows = leaderboard(fewer)
    assert {row.label: len(row.runs) for row in rows} == {
        "als #17": 2,
        "als #4": 2,
        "als default": 2,
        "item_knn": 1,
        "popularity": 1,
    }
    assert "mean of 2 seeds" in verdict(fewer)[0]


def test_a_baseline_named_like_a_default_is_not_the_default(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    named = [
        dataclasses.replace(
            run,
            key="baseline/als default/f00/seed-1",
            entry=entry,
            model=run.model | {"alpha": 9.0},
        )
        for run in study.runs
        for entry in ("als default", "als")
        if run.key == "baseline/als default/seed-1"
    ]
    for run in named:
        rows = leaderboard(dataclasses.replace(study, runs=(*study.runs, run)))
        alike = [row for row in rows if row.label == "als default"]
        assert [row.default for row in alike if row.model["alpha"] == 9.0] == [False]
        assert [row.default for row in alike if row.model["alpha"] == 1.0] == [True]


def test_users_are_paired_and_one_alone_is_not_compared(
    make_study: Callable[..., StudyRecord],
) -> None:
    study = make_study()
    shared = {"popularity": 1, "item_knn": 100}
    for run in study.runs:
        if run.entry in shared:
            path = Path(study.folder, f"{run.vectors}-test.npz")
            cut(path, shared[run.entry])
    pairs = {row.label: pair for row, pair in findings(study).pairs}
    assert pairs["popularity"] is None
    assert pairs["item_knn"] is not None
    assert pairs["item_knn"].users == 100
    lines = verdict(study)
    assert "Against popularity: not compared, which needs 2 users with values of both." in lines
    (line,) = [line for line in lines if line.startswith("Against item_knn")]
    assert " over 100 users, p" in line


def cut(path: Path, users: int) -> None:
    """Leave the last `users` of an evaluation."""
    old = Evaluation.load(path)
    Evaluation(
        stage=old.stage,
        users=old.users[-users:],
        numerators={name: values[-users:] for name, values in old.numerators.items()},
        denominators={name: values[-users:] for name, values in old.denominators.items()},
        activity={name: values[-users:] for name, values in old.activity.items()},
    ).save(path)


def test_before_any_reading(make_study: Callable[..., StudyRecord]) -> None:
    study = make_study(readings=())
    baselines = tuple(study.of_role("baseline"))
    lines = verdict(dataclasses.replace(study, runs=baselines))
    assert lines[0].startswith("als default is the best baseline: ndcg@10 0.0")
    assert lines[1] == "No tuned configuration has been read on the test set yet."
    lines = verdict(study)  # a finalist failed on a seed, so there is no winner
    assert lines[0].startswith("als default is the best baseline: ndcg@10 0.0")
    assert lines[1].endswith("but none on every seed: there is no winner.")
    assert verdict(dataclasses.replace(study, runs=())) == [
        "Nothing has been measured on the test set yet.",
        "No tuned configuration has been read on the test set yet.",
    ]
