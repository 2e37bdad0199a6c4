"""Processes that die, trials and searches that take too long, memory that runs out."""

from __future__ import annotations

import os
import resource
import signal
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import children_of, outcome, outcomes

from cfexp import memory
from cfexp.errors import DataError, InputError
from cfexp.launch import run_study
from cfexp.metrics.metric import Metric
from cfexp.report.findings import findings
from cfexp.search.observer import Observer
from cfexp.search.run import pool, trial_job, trials
from cfexp.search.run.reader import ReadJob
from cfexp.search.run.runs import read_run, search_run
from cfexp.search.run.trial import Objective
from cfexp.search.spec.measures import Measures
from cfexp.search.spec.spec import StudySpec
from cfexp.search.spec.study_file import parse
from cfexp.search.store.record import Point, RunRecord, StudyRecord
from cfexp.search.store.standing import is_finished


def to_workers(how: signal.Signals) -> None:
    for child in children_of("cfexp.search.run.worker"):
        os.kill(child, how)
    time.sleep(0.1)


class Signals(Observer):
    """Sends a signal to the computing process at a trial's first epochs, once each time."""

    def __init__(self, how: signal.Signals, key: str, times: int = 1) -> None:
        self.how, self.key, self.left = how, key, times
        self.notes: list[str] = []

    def point(self, key: str, point: Point) -> None:
        if key == self.key and point.epoch == 2 and self.left:
            self.left -= 1
            to_workers(self.how)

    def note(self, text: str) -> None:
        self.notes.append(text)


def changed(small: StudySpec, **search: object) -> StudySpec:
    document = small.model_dump(mode="json")
    document["search"] |= search
    return StudySpec.model_validate(document).read_from("", Path.cwd())


def test_what_a_killed_process_computed_is_computed_again(
    finished: tuple[Path, StudyRecord],
    small: StudySpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, killed = ReadJob.begin, []

    def begin(job: ReadJob) -> None:
        begun(job)
        if job.record.role == "final" and not killed:
            killed.append(job.record.key)
            to_workers(signal.SIGKILL)

    monkeypatch.setattr(ReadJob, "begin", begin)
    kills = Signals(signal.SIGSEGV, "trial/2")
    found = run_study(small, home=tmp_path, track=False, observer=kills)
    assert killed
    assert [note.rpartition(": ")[2] for note in kills.notes if "again" in note] == [
        "the computing process was ended by SIGSEGV; it is run again",
        "the computing process was ended by SIGKILL (out of memory?); it is run again",
    ]
    assert outcomes(found) == outcomes(finished[1])


def test_a_trial_that_three_processes_died_of_has_failed(
    finished: tuple[Path, StudyRecord], small: StudySpec, tmp_path: Path
) -> None:
    kills = Signals(signal.SIGKILL, "trial/2", times=9)
    found = run_study(small, home=tmp_path, track=False, observer=kills, trials=4).of_role("trial")
    assert kills.left == 6
    assert found[2].state == "failed"
    assert str(found[2].reason).endswith("SIGKILL (out of memory?); it was run 3 times")
    for number in (0, 1):
        assert outcome(found[number]) == outcome(finished[1].of_role("trial")[number])
    assert found[3].state in {"complete", "pruned"}


def test_a_final_that_failed_is_run_again_by_the_next_session(
    small: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = ReadJob.begin

    def begin(job: ReadJob) -> None:
        begun(job)
        if job.record.role == "final":
            to_workers(signal.SIGKILL)

    spec = changed(small, trials=1)
    with monkeypatch.context() as patched:
        patched.setattr(ReadJob, "begin", begin)
        patched.setattr(pool, "DEATHS", 1)
        found = run_study(spec, home=tmp_path, track=False)
    assert found.of_role("final")[0].state == "failed"
    assert found.readings == ()
    again = run_study(spec, home=tmp_path, track=False)
    assert [run.state for run in again.of_role("final")] == ["complete"] * 2
    assert len(again.readings) == 1


def test_a_trial_ends_at_its_limit_with_its_best_epoch_so_far(
    small: StudySpec, tmp_path: Path
) -> None:
    spec = changed(small, trial_timeout=1e-9, trials=2)
    found = run_study(spec, home=tmp_path, track=False)
    for run in found.of_role("trial"):
        assert (run.state, run.best_epoch, len(run.curve)) == ("complete", 1, 1)
        assert run.facts["timeout"] == "1e-09 s, after epoch 1"
        assert run.metrics["val/ndcg@10"] == run.curve[0].metrics["val/ndcg@10"]
    assert {run.model["epochs"] for run in found.of_role("final")} == {1}
    again = run_study(small, home=tmp_path, track=False, trials=3)  # another limit, one study
    assert [len(run.curve) > 1 for run in again.of_role("trial")] == [False, False, True]
    (warning,) = [words for words in findings(again).warnings if "time limit" in words]
    assert warning.startswith("2 trials ended at")


def test_a_trial_that_does_not_react_to_its_limit_is_ended(
    small: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GRACE", 0.2)
    begun = trial_job.TrialJob.begin

    def begin(job: trial_job.TrialJob) -> None:
        begun(job)
        if job.label.endswith("#1"):
            to_workers(signal.SIGSTOP)

    monkeypatch.setattr(trial_job.TrialJob, "begin", begin)
    spec = changed(small, trial_timeout=2.5, trials=3)
    hangs = Signals(signal.SIGSTOP, "trial/0")
    found = run_study(spec, home=tmp_path, track=False, observer=hangs).of_role("trial")
    assert (found[0].state, found[0].facts["timeout"]) == ("complete", "2.5 s, after epoch 2")
    best = max(found[0].curve, key=lambda point: point.metrics["val/ndcg@10"])
    assert (found[0].best_epoch, len(found[0].curve)) == (best.epoch, 2)
    assert found[0].metrics["val/ndcg@10"] == best.metrics["val/ndcg@10"]
    assert found[1].state == "failed"
    assert found[1].reason == "timeout after 2.5 s, before its first epoch was evaluated"
    assert len(found) == 3


def test_a_search_stopped_by_its_timeout_names_its_best_and_goes_on(
    finished: tuple[Path, StudyRecord],
    small: StudySpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = [0.0]
    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + passed[0],
        time=time.time,
        perf_counter=time.perf_counter,
    )
    monkeypatch.setattr(trial_job, "time", clock)
    monkeypatch.setattr(trials, "time", clock)

    class Waits(Signals):
        def point(self, key: str, point: Point) -> None:
            passed[0] = 1e6 if key == "trial/4" and point.epoch == 2 else passed[0]

    waits = Waits(signal.SIGKILL, "")
    half = run_study(small, home=tmp_path, track=False, observer=waits, timeout=1000)
    assert waits.notes[-1] == "stopped by the timeout after 4 of 8 trials"
    assert (half.timeout, half.budget, is_finished(half)) == (1000, 8, False)
    assert [run.number for run in half.of_role("trial")] == [0, 1, 2, 3]
    assert [reading.trials for reading in half.readings] == [4]
    (warning,) = [words for words in findings(half).warnings if "--timeout" in words]
    assert "after 4 of 8 trials" in warning
    passed[0] = 0
    whole = run_study(small, home=tmp_path, track=False)
    assert (whole.timeout, is_finished(whole)) == (None, True)
    assert not any("--timeout" in words for words in findings(whole).warnings)
    assert [reading.trials for reading in whole.readings] == [4, 8]
    again = outcomes(whole)
    for key, run in outcomes(finished[1]).items():
        assert again[key] | {"generation": 1 if run["role"] == "final" else 0} == run


def test_a_search_without_time_reads_no_trial(small: StudySpec, tmp_path: Path) -> None:
    found = run_study(small, home=tmp_path, track=False, timeout=1e-3)
    assert {run.role for run in found.runs} == {"baseline"}
    assert found.readings == ()
    with pytest.raises(InputError, match="more than 0 seconds, not -1"):
        run_study(small, home=tmp_path, track=False, timeout=-1)


TWO = """
name = "two"
objectives = ["ndcg@10"]
[data]
kind = "synthetic"
users = 1500
items = 2500
interactions = 60000
[split]
kind = "per_user_last"
test = 2
validation = 1
novel_only = true
[search]
trials = 4
[[models]]
model = { kind = "als", epochs = 1, factors = 8 }
[[models]]
model = { kind = "ease" }
"""


class LimitsMemory(Observer):
    """Lets computing processes take a few megabytes more than they have after their first run."""

    limited = False

    def finished(self, run: RunRecord) -> None:
        for child in children_of("cfexp.search.run.worker") if not self.limited else []:
            pages = int(Path(f"/proc/{child}/statm").read_text().split()[5])  # of data
            most = pages * resource.getpagesize() + 30 * 2**20
            resource.prlimit(child, resource.RLIMIT_DATA, (most, most))
        self.limited = True


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux's prlimit")
def test_a_run_out_of_memory_is_a_failed_run(tmp_path: Path) -> None:
    spec = parse(tomllib.loads(TWO))
    found = run_study(spec, home=tmp_path, track=False, observer=LimitsMemory(), threads=1)
    assert len(found.of_role("trial")) == 4
    for run in found.runs:
        if run.entry == "ease":
            assert run.state == "failed"
            assert str(run.reason).startswith("out of memory: Unable to allocate")
        else:
            assert run.state == "complete", run.reason
    assert found.readings[0].winner in {0, 2}


def test_a_run_that_cannot_fit_is_refused_before_it_begins(
    small: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Objective(small).stages
    monkeypatch.setattr(memory, "available", lambda: 0)
    model, metric = small.models[0].model, (Metric.parse("ndcg@10"),)
    measures = Measures(metric, metric)
    with pytest.raises(DataError, match=r"als with 8 factors on .* takes about 0\.0 GiB"):
        search_run(model, stages, measures)
    with pytest.raises(DataError, match=r"als with 8 factors on .* takes about 0\.0 GiB"):
        read_run(model, stages, measures)
