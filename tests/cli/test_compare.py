"""`cfexp compare` on two studies of one split, and one of another."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, call

BUCKETS = """
[[buckets]]
metric = "recall@10"
edges = [20]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies `small` and `weak` on one split, `other` on another."""
    folder = tmp_path_factory.mktemp("compared")
    small = SMALL.replace("trials = 8", "trials = 3") + BUCKETS
    weak = small.replace("epochs = 4, factors = 8", "epochs = 1, factors = 2")
    for name, text in (
        ("small", small),
        ("weak", weak.replace("low = 4, high = 16", "low = 1, high = 2")),
        ("other", small.replace("test = 3", "test = 2")),
        ("liked", small.replace('duplicates = "sum"', 'duplicates = "sum"\npositive_from = 2')),
    ):
        file = folder / f"{name}.toml"
        file.write_text(text.replace('name = "small"', f'name = "{name}"'))
        done = call("run", file, "--no-track", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def compared(home: Path, *arguments: str) -> dict[str, object]:
    done = call("compare", *arguments, "--format", "json", cwd=home)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_winners_of_studies(home: Path) -> None:
    found = compared(home, "weak", "small", "small:popularity")
    runs = found["runs"]
    assert isinstance(runs, list)
    means = [run["mean"] for run in runs]
    assert means == sorted(means, reverse=True)
    assert found["against"] == runs[0]["run"]
    assert runs[0]["p"] is None
    assert {run["run"].partition(":")[0] for run in runs} == {"small", "weak"}
    for run in runs:
        assert run["low"] <= run["mean"] <= run["high"]
        assert [group["label"] for group in run["buckets"][0]["groups"]] == ["<20", ">=20"]
    assert all(run["p_corrected"] >= run["p"] for run in runs[1:])
    assert all(run["difference"] <= 0 for run in runs[1:])


def test_means_are_those_of_the_leaderboard(home: Path) -> None:
    found = compared(home, "small:popularity", "weak:als default", "--metric", "recall@10")
    for run in found["runs"]:  # type: ignore[attr-defined]
        study, _, label = run["run"].partition(":")
        board = json.loads((home / f"mlruns/studies/{study}/report/leaderboard.json").read_text())
        (row,) = [row for row in board["rows"] if row["model"] == label]
        assert run["mean"] == pytest.approx(row["metrics"]["test/recall@10"], abs=1e-12)
        assert [run["low"], run["high"]] == pytest.approx(row["intervals"]["test/recall@10"])


def test_another_reference(home: Path) -> None:
    found = compared(home, "small", "weak:popularity", "--against", "weak:popularity")
    (run,) = [one for one in found["runs"] if one["p"] is not None]  # type: ignore[attr-defined]
    (base,) = [one for one in found["runs"] if one["p"] is None]  # type: ignore[attr-defined]
    assert base["run"] == found["against"] == "weak:popularity"
    assert run["difference"] == pytest.approx(run["mean"] - base["mean"])
    assert run["relative"] == pytest.approx(run["difference"] / base["mean"])


def test_a_study_s_name_is_its_winner_among_other_runs_of_it(home: Path) -> None:
    found = compared(home, "small:popularity", "small", "weak", "--against", "small")
    assert found["against"] == compared(home, "small", "weak", "--against", "small")["against"]
    assert found["against"] != "small:popularity"


def test_formats(home: Path) -> None:
    names = ("small", "weak", "small:popularity")
    rows = list(
        csv.DictReader(io.StringIO(call("compare", *names, "--format", "csv", cwd=home).stdout))
    )
    assert len(rows) == 3
    assert float(rows[1]["p_corrected"]) > 0
    assert 0 <= float(rows[0]["recall@10 by train positives: <20"]) <= 1
    text = call("compare", *names, "--format", "markdown", cwd=home).stdout
    assert "| run | ndcg@10 | 95% interval |" in text
    assert "| small:popularity | 0." in text
    assert "**recall@10 by train positives, on test**" in text
    assert "-0." not in text, "hyphens are no minus signs"
    assert "is what the others are compared with because it is best on test" in text
    table = call("compare", *names, cwd=home)
    assert table.returncode == 0, table.stderr
    assert "-0." not in table.stdout
    assert "small: The test set was read once, after 3 trials." in " ".join(table.stdout.split())


def test_the_metric_that_chose_is_named(home: Path) -> None:
    arguments = ("compare", "small", "weak", "--metric", "recall@10", "--format", "markdown")
    text = call(*arguments, cwd=home).stdout
    assert "- small: its winner was chosen by ndcg@10; recall@10 over all users is" in text


def test_another_split_is_refused_and_named(home: Path) -> None:
    done = call("compare", "small", "other", cwd=home)
    assert done.returncode == 2
    assert "were not measured on one split" in done.stderr
    assert "split.test: 3 in small, 2 in other" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_positives_are_refused(home: Path) -> None:
    done = call("compare", "small", "liked", cwd=home)
    assert done.returncode == 2
    assert "feedback.positive_from: None in small, 2.0 in liked" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("small", "small:populariti"), "did you mean 'popularity'?"),
        (("small", "none"), "there is no study 'none'"),
        (("small",), "needs two different studies or runs"),
        (
            ("small", "weak", "--metric", "coverage@10"),
            "choose one with --metric: ndcg@10, recall@10",
        ),
        (("small", "weak", "--metric", "ndcg@99"), "ndcg@99 was not measured for small:"),
        (("small", "weak", "--metric", "ndcg@10:worst:age"), "compared over all users, not by"),
        (("small", "weak", "--against", "smal"), "none of those compared"),
        (
            ("small:popularity", "small:als default", "--against", "small"),
            "several of those compared: small:",
        ),
    ],
)
def test_mistakes_are_exit_code_2(home: Path, arguments: tuple[str, ...], words: str) -> None:
    done = call("compare", *arguments, cwd=home)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_files_are_read_as_they_are(home: Path) -> None:
    kept = home / "mlruns" / "studies" / "small" / "vectors"
    with np.load(next(kept.glob("baseline-popularity-*-test.npz")), allow_pickle=False) as arrays:
        mean = float((arrays["numerator/ndcg@10"] / arrays["denominator/ndcg@10"]).mean())
    found = compared(home, "small:popularity", "weak:popularity")
    assert [run["mean"] for run in found["runs"]] == pytest.approx([mean, mean])  # type: ignore[attr-defined]
    assert found["runs"][1]["outcome"] == "no clear difference"  # type: ignore[index]
