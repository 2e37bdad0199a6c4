"""Benchmarks on tiny data: what they find, print and refuse; never how fast."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import invoke
from typer.testing import CliRunner, Result

from cfexp.bench import als as als_module
from cfexp.bench import child, topk
from cfexp.bench.als import AlsRow, als, operations
from cfexp.bench.contenders import Settings
from cfexp.bench.machine import product_gflops
from cfexp.bench.matrices import synthetic
from cfexp.bench.memory import PeakMemory
from cfexp.bench.peers import installed
from cfexp.bench.show import als_tables, write_chart
from cfexp.cli.main import app
from cfexp.errors import BenchmarkError, InputError

SETTINGS = Settings(4, 4.0, 0.1, 6, 1, 0)
NAMED = [("tiny", synthetic(3_000))]


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def silent(_: str) -> None:
    pass


@pytest.fixture
def needs_implicit() -> None:
    pytest.importorskip("implicit")


@pytest.mark.slow
@pytest.mark.usefixtures("needs_implicit")
def test_bench_als(tmp_path: Path) -> None:
    file, chart = tmp_path / "als.json", tmp_path / "als.html"
    done = call(
        "bench", "als", "--nnz", "3000", "--factors", "4,8", "--repeats", "1", "--threads", "1",
        "--peers", "implicit", "--iterations", "4", "--json", file, "--chart", chart,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "OPENBLAS_NUM_THREADS: 1" in done.output
    assert "implicit's alpha is 5" in done.output
    found = json.loads(file.read_text())
    assert found["machine"]["cores"] >= 1
    assert {"cfexp", "implicit", "numba"} <= set(found["versions"])
    assert found["compile"]["fresh_seconds"] > 0
    assert [(row["factors"], row["peer"], row["nnz"]) for row in found["rows"]] == [
        (4, "implicit", 3_000),
        (8, "implicit", 3_000),
    ]
    for row in found["rows"]:
        assert row["loss"] <= row["peer_loss"]
        assert row["ratio"] == pytest.approx(row["peer_seconds"] / row["seconds"])
        assert row["peak_bytes"] >= 0
    assert "plotly" in chart.read_text()[:5_000_000].lower()


def test_no_ratio_where_the_loss_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "epochs_to":
            assert job["settings"]["epochs"] == 4 * SETTINGS.epochs
            assert job["target"] == 10.0
            return {"epochs": None, "loss": 11.0}
        assert job["contender"] == "implicit"
        return {"seconds": 1.0, "loss": 10.0, "peak_bytes": 1_000}

    monkeypatch.setattr(als_module, "measure", measure)
    (row,) = als(NAMED, [4], ["implicit"], settings=SETTINGS, repeats=2, say=silent)
    assert not row.reached
    assert row.ratio is None
    assert [sample["closest"] for sample in row.samples] == [11.0, 11.0]
    times, _ = als_tables([row])
    assert "loss not reached" in list(times.columns[6].cells)


def test_a_higher_loss_in_the_timed_run_is_no_ratio_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "epochs_to":
            return {"epochs": 3, "loss": 9.0}
        ours = job["contender"] == "cfexp"
        return {"seconds": 1.0, "loss": 10.1 if ours else 10.0, "peak_bytes": 1_000}

    monkeypatch.setattr(als_module, "measure", measure)
    (row,) = als(NAMED, [4], ["implicit"], settings=SETTINGS, repeats=1, say=silent)
    assert not row.reached


def test_medians_of_interleaved_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    times = {"cfexp": iter([1.0, 9.0, 2.0]), "implicit": iter([10.0, 11.0, 90.0])}

    def measure(task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "epochs_to":
            return {"epochs": 3, "loss": 9.0}
        one = job["contender"]
        asked.append((one, job["settings"]["seed"]))
        return {"seconds": next(times[one]), "loss": 10.0, "peak_bytes": 100_000}

    monkeypatch.setattr(als_module, "measure", measure)
    (row,) = als(NAMED, [4], ["implicit"], settings=SETTINGS, repeats=3, say=silent)
    assert asked == [(one, seed) for seed in range(3) for one in ("implicit", "cfexp")]
    assert (row.peer_seconds, row.seconds, row.ratio, row.epochs) == (11.0, 2.0, 5.5, 3)
    assert row.ns_per_nonzero == pytest.approx(1e9 * 2.0 / (3 * 3_000))


def test_operations_are_those_of_the_kernel() -> None:
    """Against the loops of conjugate gradient and of an epoch, written out."""

    def of_entry(steps: int, *, cold: bool) -> int:
        dots, adds = 2, 2  # a product, or a multiple added, of one factor
        start = adds if cold else dots + adds
        return start + sum(dots + (adds if step < steps - 1 else 0) for step in range(steps))

    users, items, nnz, f = 30, 20, 100, SETTINGS.factors
    for epochs in (1, 2, 5):
        expected = 0
        for epoch in range(1, epochs + 1):
            steps = 1 if epoch == 1 else 2
            for fixed, free in ((items, users), (users, items)):
                expected += nnz * f * of_entry(steps, cold=epoch == 1)
                gram, there, here = 2 * fixed * f * f, 2 * fixed * f * f, 2 * free * f * f
                expected += gram + there + here
            expected += 2 * items * f * f if epoch > 2 else 0
        assert operations(SETTINGS, users, items, nnz, epochs) == expected


def test_lost_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = AlsRow(
        "m", 5, 5, 9, 4, "implicit", 15, 1.0, 2.0, 1, None, None, None, None, None, None, None,
        None, [],
    )  # fmt: skip
    monkeypatch.setattr(als_module, "als", lambda *_, **__: [row])
    monkeypatch.setattr(als_module, "starting", lambda _: {"fresh_seconds": 1, "second_seconds": 1})
    monkeypatch.setattr(als_module, "limits", lambda *_: {"matrix_product_gflops": 1})
    pytest.importorskip("implicit")
    file = tmp_path / "x.json"
    done = call("bench", "als", "--nnz", "3000", "--peers", "implicit", "--json", file)
    assert isinstance(done.exception, BenchmarkError)
    assert done.exception.exit_code == 1
    assert "loss not reached" in done.output
    assert json.loads(file.read_text())["rows"][0]["ratio"] is None


def test_alone() -> None:
    (row,) = als(NAMED, [4], [], settings=SETTINGS, repeats=1, say=silent)
    assert row.peer is None
    assert row.reached
    assert row.epochs == SETTINGS.epochs
    assert row.ns_per_nonzero
    assert len(als_tables([row])) == 1


@pytest.mark.usefixtures("needs_implicit")
def test_bench_topk(tmp_path: Path) -> None:
    file, chart = tmp_path / "topk.json", tmp_path / "topk.html"
    done = call(
        "bench", "topk", "--nnz", "3000", "--factors", "4", "--repeats", "1", "-k", "5",
        "--json", file, "--chart", chart,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = json.loads(file.read_text())["rows"]
    assert row["k"] == 5
    assert row["agreement"] > 0.999
    assert chart.stat().st_size > 0


def test_lists_that_differ_are_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measure(task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "rank":
            places = np.full((9, 2), 1 if job["contender"] == "cfexp" else 2)
            np.save(Path(job["folder"]) / f"{job['contender']}.npy", places)
        return {"seconds": 1.0}

    monkeypatch.setattr(topk, "measure", measure)
    with pytest.raises(BenchmarkError, match=r"agree on 0\.0%"):
        topk.topk(NAMED, [4], 2, settings=SETTINGS, repeats=1, say=silent)


@pytest.mark.slow
def test_bench_study(tmp_path: Path) -> None:
    pytest.importorskip("implicit")
    pytest.importorskip("irspack")
    file, chart = tmp_path / "study.json", tmp_path / "study.html"
    done = call(
        "bench", "study", "--nnz", "5000", "--trials", "2", "--threads", "1", "--json", file,
        "--chart", chart,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = {row["contender"]: row for row in json.loads(file.read_text())["rows"]}
    assert list(rows) == ["cfexp", "implicit", "irspack"]
    assert all(0 < row["test"] < 1 and 0 < row["validation"] < 1 for row in rows.values())
    assert rows["cfexp"]["ratio"] is None
    assert chart.stat().st_size > 0


def test_peers_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name != "irspack":
            raise importlib.metadata.PackageNotFoundError(name)
        return "9.9"

    monkeypatch.setattr("cfexp.bench.peers.version", version)
    said: list[str] = []
    assert installed(["implicit", "irspack"], said.append) == {"irspack": "9.9"}
    assert said == ["skipped implicit: it is not installed (pip install 'cfexp[peers]')"]
    done = call("bench", "als", "--nnz", "3000", "--peers", "implicit")
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert "no peer to compare with" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["als", "--factors", "x"], "--factors takes whole numbers"),
        (["als", "--nnz", "0"], "--nnz takes whole numbers"),
        (["als", "--nnz", "3000", "--peers", "mahout"], "got 'mahout'"),
        (["topk", "--nnz", "5"], "at least 1,000"),
        (["study", "--nnz", "5000,6000"], "takes one --nnz"),
        (["topk", "--nnz", "3000", "--json", "/no/such/folder/x.json"], "no folder"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = call("bench", *arguments)
    assert isinstance(done.exception, InputError)
    assert words in str(done.exception)


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(BenchmarkError, match="fit failed: TypeError"):
        child.measure("fit", {"contender": "nobody"})


def test_a_child_that_is_killed() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(BenchmarkError, match="for want of memory"):
        child.run([sys.executable, "-c", code], "fit")


def test_peak_memory_sees_what_is_gone_again() -> None:
    memory = PeakMemory()
    np.ones(20_000_000, np.float32).sum()
    assert 60e6 < memory.bytes() < 500e6


def test_a_matrix_product_has_a_rate() -> None:
    assert product_gflops(1) > 0


def test_a_chart_of_costs_alone(tmp_path: Path) -> None:
    (row,) = als(NAMED, [4], [], settings=SETTINGS, repeats=1, say=silent)
    write_chart([row], tmp_path / "x.html")
    assert (tmp_path / "x.html").stat().st_size > 0


def test_data_are_measured_from_file_to_matrices(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    done = invoke(
        *("bench", "data", "--rows", "20000", "--formats", "parquet"),
        *("--json", str(file), "--chart", str(tmp_path / "chart.html")),
    )
    assert done.exit_code == 0, done.output
    rows = {row["stage"]: row for row in json.loads(file.read_text())["rows"]}
    parts = [rows[name]["seconds"] for name in ("read", "clean", "split", "matrices")]
    assert rows["file to matrices"]["seconds"] == pytest.approx(sum(parts))
    assert 0 < rows["second start"]["seconds"] < rows["file to matrices"]["seconds"]
    assert rows["pandas reads the file"]["peak_bytes"] > 2**20
    wrong = invoke("bench", "data", "--formats", "xlsx")
    assert "takes csv and parquet, got 'xlsx'" in str(wrong.exception)
