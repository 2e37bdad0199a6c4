"""The novelty study's protocol on a log of Last.fm 1K's layout, whose counts its making tells."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cfexp import load_study
from cfexp.search.prepared.prepare import Prepared, prepare

STUDY = Path(__file__).parents[3] / "studies" / "lastfm-novelty.toml"
OUTLIERS = datetime(2009, 6, 20, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NEWEST = OUTLIERS - SECOND
CUTOFF = NEWEST - 30 * DAY
FIRST = datetime(2009, 1, 1, tzinfo=UTC)
USERS, ARTISTS = 30, 80


@dataclass
class Log:
    """Listens as they are made, and how many there are of each sort."""

    rng: np.random.Generator
    lines: list[tuple[str, datetime, str]] = field(default_factory=list)
    plays: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of each pair in train."""
    novel: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Likewise of what is to be predicted."""
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, sort: str, user: str, artist: str, at: datetime) -> None:
        quote, tab = ('"', "\t") if len(self.lines) % 7 == 0 else ("", "")
        text = f"{user}\t{at:%Y-%m-%dT%H:%M:%SZ}\t{artist}\t{quote}Name of {artist}\t\tA {tab}track"
        self.lines.append((user, at, text))
        self.rows[sort] += 1

    def between(self, start: datetime, end: datetime) -> datetime:
        """Return a moment from `start` on and before `end`."""
        return start + int(self.rng.integers((end - start) // SECOND)) * SECOND

    def train(self, user: str, artist: str) -> None:
        self.add("train", user, artist, self.between(FIRST, CUTOFF))
        self.plays[user, artist] += 1

    def test(self, sort: str, user: str, artist: str) -> None:
        self.add(sort, user, artist, self.between(CUTOFF, OUTLIERS))


def made() -> Log:
    log = Log(np.random.default_rng(5))
    artists = [f"{number:08x}-mbid" for number in range(ARTISTS)]
    users = [f"user_{number:06}" for number in range(1, USERS + 1)]
    heard = {user: log.rng.permutation(artists)[: log.rng.integers(5, 40)] for user in users}
    known = sorted({str(artist) for own in heard.values() for artist in own})
    for user in users:
        for artist in heard[user]:
            for _ in range(log.rng.integers(1, 6)):
                log.train(user, str(artist))
        for artist in log.rng.choice(heard[user], 4):
            log.test("repeat", user, str(artist))
        new = [artist for artist in known if (user, artist) not in log.plays]
        for artist in log.rng.permutation(new)[: log.rng.integers(0, 6)]:
            for _ in range(log.rng.integers(1, 4)):
                log.test("novel", user, str(artist))
                log.novel[user, str(artist)] += 1
        log.test("cold", user, f"cold-{log.rng.integers(9)}-mbid")
        log.add("no artist", user, "", log.between(FIRST, OUTLIERS + 90 * DAY))
        log.add("outlier", user, f"late-{user}", log.between(OUTLIERS, OUTLIERS + 90 * DAY))
        log.add("2010", user, "", datetime(2010, 1, 1, tzinfo=UTC) + log.rng.integers(9) * DAY)
    for artist in known[:5]:
        log.test("stranger", "user_000777", artist)
    one = users[0]
    log.add("train", one, known[0], CUTOFF - SECOND)  # at the edges of the windows
    log.plays[one, known[0]] += 1
    log.add("cold", one, "edge-mbid", CUTOFF)
    log.add("cold", one, "edge-mbid", NEWEST)
    log.add("outlier", one, "edge-mbid", OUTLIERS)
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, Prepared]]:
    """The log and what the study makes of it, on a machine that is not in UTC."""
    log = made()
    root = tmp_path_factory.mktemp("data")
    folder = root / "lastfm-dataset-1K"
    folder.mkdir()
    newest_first = sorted(log.lines, key=lambda line: (line[0], -line[1].timestamp()))
    lines = "".join(f"{text}\n" for _, _, text in newest_first)
    (folder / "userid-timestamp-artid-artname-traid-traname.tsv").write_text(lines)
    people = [*sorted({user for user, _, _ in log.lines}), "user_000999"]  # who never listened
    profiles = "".join(f"{user}\tf\t30\tPeru\tFeb 24, 2006\n" for user in people)
    (folder / "userid-profile.tsv").write_text(f"#id\tgender\tage\tcountry\tregistered\n{profiles}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFEXP_DATA_DIR", str(root))
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield log, prepare(load_study(STUDY))
    time.tzset()


def test_what_is_dropped(log: tuple[Log, Prepared]) -> None:
    made, found = log
    assert found.rows.dropped == {
        "listens dated 2010 or later": made.rows["2010"],
        "item missing": made.rows["no artist"],
    }
    *_, last = found.data_facts()["cleaning"]
    assert (last["rule"], last["dropped"]) == (
        "outside until 2009-06-20T00:00:00",
        made.rows["outlier"],
    )
    kept = ("train", "repeat", "novel", "cold", "stranger")
    assert last["rows"] == len(found.rows) == sum(made.rows[sort] for sort in kept)
    assert (
        found.split.dropped.items()
        >= {
            'test: new_users = "drop"': made.rows["stranger"],
            "test: novel_only = true": made.rows["repeat"],
            'test: cold_items = "drop"': made.rows["cold"],
        }.items()
    )


def test_train_is_counts_of_the_artists_before_the_cutoff(log: tuple[Log, Prepared]) -> None:
    made, found = log
    assert len(found.split.test.fit) == made.rows["train"]
    counts = found.test.training.positives.matrix.tocoo()
    users, artists = found.rows.users.ids[counts.row], found.rows.items.ids[counts.col]
    pairs = zip(users.tolist(), artists.tolist(), strict=True)
    assert dict(zip(pairs, counts.data.tolist(), strict=True)) == made.plays
    known = {artist for _, artist in made.plays}
    assert set(found.rows.items.ids[found.test.candidates].tolist()) == known


def test_test_is_the_pairs_that_are_new(log: tuple[Log, Prepared]) -> None:
    made, found = log
    held_out = found.split.test.held_out
    assert len(held_out) == made.rows["novel"] == made.novel.total()
    users, artists = held_out.users.ids[held_out.user], held_out.items.ids[held_out.item]
    assert Counter(zip(users.tolist(), artists.tolist(), strict=True)) == made.novel
    assert found.test.relevant.nnz == len(made.novel)
    assert len(found.test.users) == len({user for user, _ in made.novel})


def test_users_are_those_of_the_profiles(log: tuple[Log, Prepared]) -> None:
    _, found = log
    assert "#id" not in found.rows.users.ids
    attributes = found.rows.attributes
    assert attributes is not None
    assert (attributes.missing, attributes.unused) == (0, 1)
    assert set(attributes.columns["country"]) == {"Peru"}
