"""Study files whose data are not here, run on small made-up files of the documented layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cfexp import load_study, run_study
from cfexp.search.prepared.prepare import prepare

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord

STUDIES = Path(__file__).parents[3] / "studies"
RNG = np.random.default_rng(1)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CFEXP_DATA_DIR", str(tmp_path))
    return tmp_path


def run(name: str, home: Path, trials: int) -> StudyRecord:
    spec = load_study(STUDIES / f"{name}.toml")
    return run_study(spec, home=home, trials=trials, track=False)


def write(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(lines) + "\n")


def test_lastfm_novelty(data: Path, tmp_path: Path) -> None:
    """userid, timestamp, artist id, artist name, track id, track name; no header, tabs."""
    start = np.datetime64("2009-01-01T00:00:00")
    lines = []
    for user in range(40):
        for _ in range(80):
            artist = int(RNG.zipf(1.4)) % 60 + (user % 2) * 30
            at = start + np.timedelta64(int(RNG.integers(0, 169 * 86_400)), "s")
            lines.append(
                f"user_{user:06}\t{at}Z\tid-{artist}\tArtist \"{artist}\t\tTrack '{artist}"
            )
    lines.append("user_000001\t2009-06-01T00:00:00Z\t\tNo id\t\tTrack")  # dropped
    lines.append("user_000001\t2010-10-05T09:38:24Z\tid-1\tArtist\t\tOut of time")
    file = data / "lastfm-dataset-1K" / "userid-timestamp-artid-artname-traid-traname.tsv"
    write(file, lines)
    spec = load_study(STUDIES / "lastfm-novelty.toml")
    found = prepare(spec)
    assert found.rows.dropped == {"listens dated 2010 or later": 1, "item missing": 1}
    step = found.data_facts()["cleaning"][-1]
    assert (step["rule"], step["dropped"]) == ("outside until 2009-06-20T00:00:00", 0)
    assert found.split.dropped["test: novel_only = true"] > 0
    assert found.test.training.positives.data.max() > 1, "counts are the values"
    assert not found.test.relevant_hidden["interacted"]
    study = run("lastfm-novelty", tmp_path / "home", 12)
    grid = {
        (trial.entry, trial.model["alpha"], trial.model["factors"])
        for trial in study.of_role("trial")
    }
    assert len(grid) == 12
    finals = study.of_role("final")
    assert {final.model["confidence"] for final in finals} == {"linear", "log"}
    assert all(final.state == "complete" for final in finals)
    assert len(finals) == 36
    assert all({"test/recall_micro@10", "test/map@10", "test/epr"} <= {*f.metrics} for f in finals)


def test_kuairec(data: Path, tmp_path: Path) -> None:
    """Both matrices with KuaiRec's header; the small one lacks some times."""
    head = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio"
    time = "2020-07-05 00:08:23.438,20200705,1593878903.438"
    matrices: dict[str, list[str]] = {"big": [head], "small": [head]}
    for user in range(60):
        for video in range(50):
            name = "small" if user < 20 and video < 20 else "big"
            if name == "big" and RNG.random() < 0.5:
                continue
            ratio = RNG.lognormal(0.2 if (user + video) % 3 else 1.2, 0.5)
            when = ",," if name == "small" and video == 3 else time
            matrices[name].append(f"{user},{video},{int(ratio * 9_000)},9000,{when},{ratio:.4f}")
    matrices["big"].append(matrices["big"][-1])  # twice in the file, one pair
    matrices["small"] += [f"999,1,9000,9000,{time},3.0", f"1,999,9000,9000,{time},3.0"]  # unknown
    for name, lines in matrices.items():
        (data / "KuaiRec" / "data").mkdir(parents=True, exist_ok=True)
        (data / "KuaiRec" / "data" / f"{name}_matrix.csv").write_text("\n".join(lines) + "\n")
    found = prepare(load_study(STUDIES / "kuairec.toml"))
    shares = {name: 1 / (len(lines) - 1) for name, lines in matrices.items()}
    assert found.rows.dropped == {
        f"rows that repeat another, {shares['big']:.1%} of big_matrix.csv": 1,
        f"rows with an empty column, {20 * shares['small']:.1%} of small_matrix.csv": 20,
    }
    assert found.split.dropped == {
        'test: new_users = "drop"': 1,
        'test: cold_items = "drop"': 1,
    }
    users, videos = found.rows.shape
    assert found.test.training.positives.shape == (users, videos) == (61, 51)
    assert set(found.test.training.positives.data) == {1.0}
    assert set(found.test.users) <= set(range(20))
    study = run("kuairec", tmp_path / "home", 0)
    baselines = study.of_role("baseline")
    assert {run.entry for run in baselines} == {"als", "popularity", "item_knn"}
    assert all(run.state == "complete" for run in baselines)
    assert all(f"test/{m}@10" in baselines[0].metrics for m in ("precision", "recall", "map"))


def test_lastfm360k(data: Path, tmp_path: Path) -> None:
    """Sha1 of the user, MusicBrainz id, artist name, plays; no header, tabs."""
    lines = []
    for user in range(60):
        for artist in RNG.permutation(40)[:20]:
            plays = int(RNG.zipf(1.3)) % 5_000
            mbid = "" if artist % 7 == 0 else f"mbid-{artist}"
            lines.append(f'{user:040x}\t{mbid}\tartist "{artist}" & co\t{plays}')
    lines.append(f"{1:040x}\tmbid-1\t\t12")  # no name
    lines.append(f"{2:040x}\tmbid-1\tartist 1\t")  # no plays
    file = data / "lastfm-dataset-360K" / "usersha1-artmbid-artname-plays.tsv"
    write(file, lines)
    found = prepare(load_study(STUDIES / "lastfm360k.toml"))
    assert found.rows.dropped == {"plays missing": 1, "item missing": 1}
    study = run("lastfm360k", tmp_path / "home", 5)
    trials = study.of_role("trial")
    assert {trial.model["confidence"] for trial in trials} == {
        "linear", "log", "binary", "capped", "clipped",
    }  # fmt: skip
    assert all(trial.state == "complete" for trial in trials)
    assert all(15 <= trial.model["alpha"] <= 40 for trial in trials)
