"""`cfexp export` and `cfexp list` on real studies."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, invoke

from cfexp.cli.listing import COLUMNS
from cfexp.errors import InputError
from cfexp.studies import open_study

MIXED = """
[[models]]
name = "log"
model = { kind = "als", epochs = 3, factors = 8, confidence = "log" }
[models.space]
epsilon = { kind = "choice", values = ["user_mean", 2.5] }
[[buckets]]
metric = "recall@10"
edges = [20]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, `small`, whose parameters are numbers and words, and `begun`."""
    folder = tmp_path_factory.mktemp("exported")
    file = folder / "small.toml"
    file.write_text(SMALL + MIXED)
    done = invoke("run", file, "--no-track", "--home", folder / "home")
    assert done.exit_code == 0, done.output
    begun = folder / "begun.toml"
    text = SMALL.replace('name = "small"', 'name = "begun"')
    begun.write_text(text.replace("trials = 8", "trials = 400"))
    command = [sys.executable, "-m", "cfexp.cli.main", "run", str(begun), "--no-track"]
    with subprocess.Popen(
        [*command, "--home", str(folder / "home")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "trial als" in line:
                break
        (row, _) = json.loads(invoke("list", "--format", "json", "--home", folder / "home").stdout)
        assert (row["study"], row["state"]) == ("begun", "running")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    return folder / "home"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_every_table_is_a_file(form: str, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = invoke("export", "small", "-o", folder, "--format", form, "--home", home)
    assert done.exit_code == 0, done.exception
    names = ["leaderboard", "comparisons", "buckets", "trials", "per_user"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.{form}" for n in names)
    read = pd.read_parquet if form == "parquet" else pd.read_csv
    tables = {name: read(folder / f"{name}.{form}") for name in names}
    for name, table in tables.items():
        assert f"{folder / name}.{form}: {len(table):,} rows" in done.stdout

    study = open_study(home, "small").record()
    trials = tables["trials"]
    assert trials["trial"].tolist() == list(range(8))
    for run, (_, row) in zip(study.of_role("trial"), trials.iterrows(), strict=True):
        assert row["state"] == run.state
        assert row["param/alpha"] == run.model["alpha"]
        assert row["param/epsilon"] == str(run.model["epsilon"])
        assert row["val/ndcg@10"] == run.metrics["val/ndcg@10"]
        ended = pd.Timestamp(row["ended"])
        assert ended.timestamp() == pytest.approx(run.ended / 1000)

    board, users = tables["leaderboard"], tables["per_user"]
    (winner,) = board[board["winner"]].to_dict("records")
    assert winner["role"] == "final"
    own = users[(users["run"].str.startswith(f"final/{winner['model'].split('#')[1]}/"))]
    means = own[own["stage"] == "test"]["ndcg@10"].mean()
    np.testing.assert_allclose(means, winner["test/ndcg@10"])
    assert set(tables["comparisons"]["outcome"]) <= {"better", "worse", "no clear difference"}
    assert set(tables["buckets"]["bucket"]) == {"<20", ">=20"}


def test_an_export_says_in_json_what_it_wrote(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("export", "begun", "--json", "--home", home)
    written = {one["table"]: Path(one["file"]) for one in json.loads(done.stdout)}
    assert {"trials", "leaderboard", "per_user"} <= set(written)
    assert "comparisons" not in written, "there is no winner yet"
    assert all(path.parent == Path("begun-export") and path.is_file() for path in written.values())
    assert "no rows of: comparisons" in invoke("export", "begun", "--home", home).stdout


def test_an_export_that_cannot_be_written(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("export", "small", "-o", tmp_path / "file" / "x", "--home", home)
    assert isinstance(done.exception, InputError)
    assert "cannot be written" in str(done.exception)
    done = invoke("export", "smal", "--home", home)
    assert isinstance(done.exception, InputError)
    assert "did you mean 'small'?" in str(done.exception)
    assert invoke("export", "small", "--format", "xlsx", "--home", home).exit_code == 2


def test_list(home: Path) -> None:
    begun, small = json.loads(invoke("list", "--format", "json", "--home", home).stdout)
    assert list(small) == list(COLUMNS)
    assert (begun["study"], begun["state"], begun["budget"]) == ("begun", "interrupted", 400)
    assert 0 < begun["trials"] < 400
    assert begun["winner"] is None
    assert (small["study"], small["state"], small["trials"]) == ("small", "finished", 8)
    assert small["data"] == "synthetic"
    board = json.loads((home / "studies/small/report/leaderboard.json").read_text())
    (winner,) = [row for row in board["rows"] if row["winner"]]
    assert small["winner"] == winner["model"]
    assert small["winner_on_test"] == winner["metrics"]["test/ndcg@10"]
    trials = open_study(home, "small").record().of_role("trial")
    values = [run.metrics["val/ndcg@10"] for run in trials if run.state == "complete"]
    assert small["best_on_validation"] == max(values)

    text = invoke("list", "--format", "csv", "--home", home).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["study"] for row in rows] == ["begun", "small"]
    assert rows[0]["winner"] == ""
    assert float(rows[1]["winner_on_test"]) == small["winner_on_test"]
    shown = invoke("list", "--home", home).stdout
    assert "interrupted" in shown
    assert f"{small['winner_on_test']:.4f}" in shown


def test_an_empty_home(tmp_path: Path) -> None:
    assert json.loads(invoke("list", "--format", "json", "--home", tmp_path).stdout) == []
    assert invoke("list", "--format", "csv", "--home", tmp_path).stdout == ",".join(COLUMNS) + "\n"
    assert "no studies in" in invoke("list", "--home", tmp_path).stdout
    assert list(tmp_path.iterdir()) == []
