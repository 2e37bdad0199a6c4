"""`cfexp data`: what is listed, fetched, checked, and said when something is wrong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import invoke
from rich.console import Console
from served import Served, serve
from typer.testing import CliRunner

from cfexp import load_study
from cfexp.cli.fetching import fetch_missing
from cfexp.cli.main import app
from cfexp.data.public.catalogue import catalogue
from cfexp.data.public.shelf import Shelf
from cfexp.errors import CfexpError
from cfexp.search.prepared.prepare import prepare

RATINGS = "".join(
    f"{user}::{movie}::{1 + (user * movie) % 5}::{1000 + movie}\n"
    for user in range(1, 31)
    for movie in range(1, 21)
    if (user + movie) % 3
)
MOVIES = "".join(f"{movie}::Movie {movie} (1994)::Drama\n" for movie in range(1, 21))
USERS = "".join(f"{user}::F::25::1::55455\n" for user in range(1, 31))
STUDY = """
name = "from-the-catalogue"
objectives = ["recall@5"]
metrics = []
[data]
kind = "movielens"
edition = "ml-1m"
[split]
kind = "per_user_last"
test = 2
validation = 0
[search]
trials = 0
[finals]
seeds = 1
[[baselines]]
model = { kind = "popularity" }
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CFEXP_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A small MovieLens-1M in the published layout, on this machine."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, text in {"ratings": RATINGS, "movies": MOVIES, "users": USERS}.items():
            out.writestr(f"ml-1m/{name}.dat", text)
    real = catalogue()["ml-1m"]
    with serve() as served:
        served.files["ml-1m.zip"] = packed.getvalue()
        files = [
            file.model_copy(update={"checksum": None, "rows": text.count("\n")})
            for file, text in zip(real.files, (RATINGS, MOVIES, USERS), strict=True)
        ]
        download = real.downloads[0].model_copy(
            update={"url": f"{served.url}/ml-1m.zip", "checksum": None, "files": tuple(files)}
        )
        small = real.model_copy(update={"downloads": (download,)})
        monkeypatch.setitem(catalogue(), "ml-1m", small)
        yield served


def test_list(cache: Path) -> None:
    shown = invoke("data", "list")
    assert shown.exit_code == 0
    assert str(cache) in shown.output.replace("\n", "")
    rows = {row["name"]: row for row in json.loads(invoke("data", "list", "--json").output)}
    assert list(rows) == list(catalogue())
    assert {row["state"] for row in rows.values()} == {"absent"}
    assert rows["ml-25m"]["rows"] == 25_000_095
    assert rows["kuairec"]["licence"] == "CC BY-SA 4.0"


def test_info(cache: Path) -> None:
    said = invoke("data", "info", "lastfm-1k").output
    for part in (
        "md5:64747b21563e3d2aa95751e0ddc46b68",
        "19,150,868 rows",
        "non-commercial",
        'edition = "lastfm-1k"',
        str(cache / "lastfm-1k"),
        "https://zenodo.org/",
    ):
        assert part in said, part
    assert json.loads(invoke("data", "info", "gowalla", "--json").output)["users"] == 29_858


def test_a_name_that_is_none(cache: Path) -> None:
    for command in (["info"], ["fetch", "ml-1m"], ["check"]):
        failed = invoke("data", *command, "ml-1")
        assert type(failed.exception).__name__ == "InputError"
        assert "no data set is called 'ml-1'; the names are ml-100k," in str(failed.exception)
    assert not cache.exists()


def test_terms_then_download_then_check(cache: Path, server: Served) -> None:
    refused = invoke("data", "fetch", "ml-1m")
    assert "no commercial or revenue-bearing use" in refused.output.replace("\n", " ")
    assert max(map(len, refused.output.splitlines())) < 80
    assert "cfexp data fetch ml-1m --accept" in str(refused.exception)
    assert server.asked == []
    done = invoke("data", "fetch", "ml-1m", "--accept")
    assert done.exit_code == 0, done.output
    assert "ml-1m.zip: " in done.output
    assert "(100%)" in done.output
    assert f"ml-1m is here: {cache / 'ml-1m'}" in done.output
    again = invoke("data", "fetch", "ml-1m")
    assert "is here" in again.output
    assert len(server.asked) == 1
    checked = invoke("data", "check")
    assert checked.exit_code == 0
    assert "as first downloaded" in checked.output
    (cache / "ml-1m" / "movies.dat").write_text(MOVIES[:-30])
    changed = invoke("data", "check", "ml-1m", "--json")
    assert str(changed.exception) == "not as published: ml-1m"
    assert getattr(changed.exception, "exit_code", None) == 1
    files = {file["path"]: file for file in json.loads(changed.stdout)["ml-1m"]}
    assert files["movies.dat"]["verdict"] == "differs"
    assert files["movies.dat"]["wrong"]
    assert not files["ratings.dat"]["wrong"]


@pytest.mark.parametrize(("answer", "downloads"), [("n", 0), ("y", 1)])
@pytest.mark.usefixtures("cache")
def test_somebody_is_asked(
    server: Served, monkeypatch: pytest.MonkeyPatch, answer: str, downloads: int
) -> None:
    monkeypatch.setattr("cfexp.cli.fetching._somebody", lambda: True)
    asked = CliRunner().invoke(app, ["data", "fetch", "ml-1m"], input=f"{answer}\n")
    assert "Acknowledge these terms and download ml-1m?" in asked.output
    assert len(server.asked) == downloads
    assert (asked.exit_code == 0) == (answer == "y")


@pytest.mark.usefixtures("server")
def test_a_cache_that_cannot_be_written(cache: Path) -> None:
    cache.write_text("a file")
    refused = invoke("data", "fetch", "ml-1m", "--accept").exception
    assert isinstance(refused, CfexpError)
    assert "cannot be written" in str(refused)
    assert "set CFEXP_DATA_DIR to a folder of your own" in str(refused)


def test_ctrl_c_names_the_command_that_goes_on(
    cache: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    Shelf(catalogue()["ml-1m"], cache).accept()
    with monkeypatch.context() as patch:
        patch.setattr("cfexp.cli.transfers.Transfers.__call__", interrupt)
        stopped = invoke("data", "fetch", "ml-1m")
    assert stopped.exit_code != 0
    assert "cfexp data fetch ml-1m" in stopped.output
    assert invoke("data", "fetch", "ml-1m").exit_code == 0
    assert server.asked[0] is None
    assert str(server.asked[1]).startswith("bytes=")


def test_checking_what_is_not_here(cache: Path) -> None:
    assert "none of the data sets" in invoke("data", "check").output
    assert "not as published: ml-1m" in str(invoke("data", "check", "ml-1m").exception)
    assert not cache.exists()


def test_flaws_of_files_that_are_cleaned(cache: Path) -> None:
    folder = cache / "kuairec" / "data"
    folder.mkdir(parents=True)
    (folder / "item_categories.csv").write_text('video_id,feat\n0,[8]\n1,"[27, 9]"\n0,[8]\n2,\n')
    found = json.loads(invoke("data", "check", "kuairec", "--json").stdout)["kuairec"]
    (file,) = [one for one in found if one["flaws"]]
    assert file["flaws"] == {"rows": 4, "gaps": 1, "repeated": 1}
    shown = invoke("data", "check", "kuairec").output
    assert "item_categories.csv: 1 repeated rows, 1 with gaps" in shown
    (row,) = [line.split() for line in shown.splitlines() if " item_categories.csv" in line]
    assert row == ["kuairec", "item_categories.csv", "not", "verified", "4", "50.0%"]


@pytest.mark.usefixtures("cache")
def test_a_study_says_how_to_get_its_data(server: Served, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    run = ["run", tmp_path / "study.toml", "--home", tmp_path / "home", "--no-track"]
    assert "`cfexp data fetch ml-1m` downloads it" in str(invoke(*run).exception)
    assert server.asked == []


def test_a_study_downloads_what_was_agreed_to(cache: Path, server: Served, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    spec = load_study(tmp_path / "study.toml")
    console = Console(file=io.StringIO())
    fetch_missing(spec, console)
    assert server.asked == [], "nobody agreed to the terms"
    Shelf(catalogue()["ml-1m"], cache).accept()
    fetch_missing(spec, console)
    fetch_missing(spec, console)
    assert len(server.asked) == 1
    rows = prepare(spec).rows
    assert (len(rows), rows.shape) == (RATINGS.count("\n"), (30, 20))


def test_a_study_reads_what_lies_beside_it(cache: Path, server: Served, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    Shelf(catalogue()["ml-1m"], cache).accept()
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m" / "ratings.dat").write_text(RATINGS)
    fetch_missing(load_study(tmp_path / "study.toml"), Console(file=io.StringIO()))
    assert server.asked == []
