"""Studies with groups of every kind, and with the worst group as their objective."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from helpers import spec_of
from mlflow import MlflowClient

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.buckets import by_bucket
from cfexp.cli.run import show
from cfexp.data.files.places import Places
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.synthetic import Synthetic
from cfexp.errors import EvaluationError, StudyConflictError, StudyFileError
from cfexp.launch import run_study
from cfexp.metrics.evaluation import Evaluation
from cfexp.search.run.trial import Objective
from cfexp.search.store.record import StudyRecord

TEXT = """
name = "fair"
objectives = ["recall@10:worst:country"]
metrics = ["ndcg@10"]
[data]
kind = "csv"
path = "rows.csv"
columns = { user = "user", item = "item", time = "time" }
users = { path = "users.csv", id = "user" }
[split]
kind = "per_user_last"
test = 3
validation = 2
novel_only = true
[search]
trials = 5
pruner = { kind = "none" }
[finals]
configurations = 2
seeds = 2
[[models]]
model = { kind = "als", epochs = 3 }
[models.space]
factors = { kind = "int", low = 2, high = 24 }
alpha = { kind = "float", low = 0.1, high = 40.0, log = true }
[[baselines]]
model = { kind = "popularity" }
[[buckets]]
metric = "recall@10"
by = "country"
minimum = 20
[[buckets]]
metric = "recall@10"
quantiles = 3
[[buckets]]
metric = "ndcg@10"
by = "item_popularity"
[[buckets]]
metric = "recall@10"
by = "age"
edges = [30, 60]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = Synthetic(users=240, items=120, interactions=9000).load(Places(folder, folder))
    assert rows.time is not None
    frame = pd.DataFrame({"user": rows.users.ids[rows.user], "item": rows.items.ids[rows.item]})
    frame.assign(time=rows.time // 10**6).to_csv(folder / "rows.csv", index=False)
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"user": rows.users.ids[:-15]})
    people["country"] = rng.choice(["de", "fr", "is"], len(people), p=[0.6, 0.37, 0.03])
    people["age"] = rng.integers(12, 80, len(people))
    people.to_csv(folder / "users.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def study(folder: Path, home: Path) -> StudyRecord:
    return run_study(spec_of(TEXT, folder), home=home)


GOAL = "recall@10:worst:country"


def test_the_objective_is_the_worst_of_the_large_groups(study: StudyRecord, folder: Path) -> None:
    people = pd.read_csv(folder / "users.csv", index_col="user")["country"]
    ids = np.load(Path(study.folder, "vocabulary.npz"))["users"]
    smallest = []
    for run in (*study.of_role("baseline"), *study.of_role("final")):
        for stage in ("val", "test"):
            found = Evaluation.load(Path(study.folder, f"{run.vectors}-{stage}.npz"))
            country = people.reindex(ids[found.users]).fillna("unknown").to_numpy()
            means = pd.Series(found.values("recall@10")).groupby(country).agg(["size", "mean"])
            large = means[means["size"] >= 20]
            assert run.metrics[f"{stage}/{GOAL}"] == pytest.approx(large["mean"].min())
            smallest.append(means["size"].idxmin())
    assert set(smallest) <= {"is", "unknown"}  # and too small to count


def test_epochs_trials_and_the_winner_are_chosen_by_it(study: StudyRecord) -> None:
    for run in study.of_role("trial"):
        best = max(run.curve, key=lambda point: point.metrics[f"val/{GOAL}"])
        assert run.best_epoch == best.epoch
        assert run.metrics[f"val/{GOAL}"] < run.metrics["val/recall@10"]
    trials = sorted(study.of_role("trial"), key=lambda run: -run.metrics[f"val/{GOAL}"])
    assert {run.number for run in trials[:2]} == set(study.readings[0].finalists)
    means = {
        number: np.mean(
            [run.metrics[f"val/{GOAL}"] for run in study.of_role("final") if run.number == number]
        )
        for number in study.readings[0].finalists
    }
    assert study.readings[0].winner == max(means, key=lambda number: means[number])
    stored = optuna.load_study(study_name="fair", storage=optuna_url(study))
    assert stored.best_value == trials[0].metrics[f"val/{GOAL}"]


def optuna_url(study: StudyRecord) -> str:
    files = Path(study.folder).parents[1].glob("*.db")
    (file,) = (file for file in files if file.name != "mlflow.db")
    return f"sqlite:///{file}"


def test_every_kind_is_reported(
    study: StudyRecord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert study.data["users without attributes"] == 15
    report = Path(study.folder, "report")
    frame = pd.read_csv(report / "buckets.csv")
    test = frame[frame["stage"] == "test"]
    assert set(test["by"]) == {"country", "train_positives", "item_popularity", "age"}
    assert set(test[test["by"] == "country"]["bucket"]) == {"de", "fr", "is", "unknown"}
    assert test[test["by"] == "train_positives"].groupby("model").size().unique().tolist() == [3]
    popular = test[test["by"] == "item_popularity"]
    assert {name.split()[0] for name in popular["bucket"]} == {"head", "middle", "tail"}
    assert (frame["low"].dropna() <= frame["mean"].loc[frame["low"].dropna().index]).all()
    page = (report / "report.html").read_text()
    for words in ("recall@10 by country", "ndcg@10 by item popularity", "recall@10 by age"):
        assert words in page
    monkeypatch.setenv("COLUMNS", "120")
    from rich.console import Console

    show(study, Console())
    text = capsys.readouterr().out
    assert "was chosen for its worst group, recall@10:worst:country: " in text
    assert "compares recall@10 over all users" in " ".join(text.split())


def test_mlflow_has_the_objective_and_the_groups(study: StudyRecord, home: Path) -> None:
    client = MlflowClient(f"sqlite:///{home.absolute()}/mlflow.db")
    experiment = client.get_experiment_by_name("fair")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    keyed = {run.data.tags.get("cfexp.key", "study"): run for run in runs}
    name = "val/recall_at_10:worst:country"
    for run in study.of_role("trial"):
        assert keyed[run.key].data.metrics[name] == run.metrics[f"val/{GOAL}"]
    names = [file.path for file in client.list_artifacts(keyed["study"].info.run_id, "tables")]
    assert "tables/buckets.json" in names


def test_the_objective_of_python_agrees(study: StudyRecord, folder: Path) -> None:
    objective = Objective(spec_of(TEXT, folder), threads=1)
    trial = optuna.trial.FixedTrial(
        {f"als.{name}": study.of_role("trial")[0].model[name] for name in ("factors", "alpha")}
    )
    assert objective(trial) == study.of_role("trial")[0].metrics[f"val/{GOAL}"]


def test_other_buckets_may_change_but_not_the_objective(
    study: StudyRecord, folder: Path, home: Path
) -> None:
    with pytest.raises(StudyConflictError, match="minimum: stored 20, now 25"):
        run_study(spec_of(TEXT.replace("= 20", "= 25"), folder), home=home, track=False)
    more = TEXT.replace('by = "item_popularity"', 'by = "item_popularity"\nquantiles = 4')
    again = run_study(spec_of(more, folder), home=home, track=False)
    assert len(again.of_role("trial")) == 5
    path = next(Path(study.folder).glob("vectors/final-*-test.npz"))
    buckets = Buckets(metric="ndcg@10", by="item_popularity", quantiles=4)
    assert len(by_bucket(Evaluation.load(path), buckets)) == 4
    known = Attributes.load(Path(study.folder, "users.npz"))
    assert set(known.columns) == {"country", "age"}


@pytest.mark.usefixtures("study")
def test_attributes_of_an_objective_may_not_change(
    folder: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text((folder / "rows.csv").read_text())
    users = pd.read_csv(folder / "users.csv")
    users.assign(age=20).to_csv(tmp_path / "users.csv", index=False)
    run_study(spec_of(TEXT, tmp_path), home=home, track=False)
    users.assign(country=users["country"].replace("is", "de")).to_csv(
        tmp_path / "users.csv", index=False
    )
    with pytest.raises(StudyConflictError, match="other user attributes"):
        run_study(spec_of(TEXT, tmp_path), home=home, track=False)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("worst:country", "worst:cuntry", r"objectives\[0\]: .* needs one .* there is none; did"),
        ('by = "age"\nedges = [30, 60]', 'by = "country"', r"objectives\[0\]: .*there are 2"),
        ("worst:country", "worst:", "does not say of which"),
        ("worst:country", "best:country", "neither a metric .* nor the worst group"),
        ('"recall@10:worst', '"coverage@10:worst', "no value for a single user"),
    ],
)
def test_mistakes_in_the_file(folder: Path, old: str, new: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(StudyFileError, match=words):
        spec_of(TEXT.replace(old, new, 1), folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("minimum = 20", "minimum = 200", "two groups of at least minimum = 200 users"),
        ('by = "age"', 'by = "aeg"', "did you mean 'age'"),
        ("edges = [30, 60]", 'values = ["old"]', "no user has the value 'old'"),
        ("edges = [30, 60]", "", "distinct values, more than 30"),
    ],
)
def test_groups_that_cannot_be_made_stop_a_study_before_it_runs(
    folder: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(EvaluationError, match=words):
        run_study(spec_of(TEXT.replace(old, new, 1), folder), home=tmp_path, track=False)
    assert list(tmp_path.iterdir()) == []
