"""Data sets into a cache: verified, once, and nothing left of what fails."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from served import Served, serve

from cfexp.data.public.catalogue import Dataset, Download, File, Terms
from cfexp.data.public.check import check
from cfexp.data.public.checksums import measure
from cfexp.data.public.fetch import fetch
from cfexp.data.public.shelf import Shelf
from cfexp.data.public.transfer import Patience
from cfexp.errors import DownloadError, InputError

RATINGS = b"1::2::5::100\n1::3::4::200\n"
MOVIES = b"2::Two::A\n3::Three::B"
QUICK = Patience(tries=2, pause=0.001, timeout=5.0)


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, data in files.items():
            out.writestr(f"little/{name.replace('_', '.')}", data)
    return packed.getvalue()


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def server() -> Iterator[Served]:
    with serve() as served:
        served.files["little.zip"] = archive(ratings_dat=RATINGS, movies_dat=MOVIES)
        yield served


def little(server: Served, **changes: object) -> Dataset:
    ratings = {"path": "ratings.dat", "rows": 2, "checksum": sha(RATINGS)}
    download = {
        "url": f"{server.url}/little.zip",
        "size": len(server.files["little.zip"]),
        "checksum": sha(server.files["little.zip"]),
        "files": [ratings | changes, {"path": "movies.dat", "rows": 2}],
    }
    return Dataset(
        name="little",
        title="Little",
        about="a small one",
        study={"kind": "little"},
        page="http://here",
        terms=Terms(licence="free", text="Use it.", citation="Us."),
        origin="us",
        folders=("little", "Little-1"),
        downloads=(Download.model_validate(download),),
    )


def shelf_of(dataset: Dataset, root: Path, *, accepted: bool = True) -> Shelf:
    shelf = Shelf(dataset, root)
    if accepted:
        shelf.accept()
    return shelf


def get(shelf: Shelf) -> list[str]:
    said: list[str] = []
    fetch(shelf, lambda *_: None, said.append, QUICK)
    return said


def left(root: Path) -> list[str]:
    files = (file for file in root.rglob("*") if file.is_file() and file.name != "lock")
    return sorted(str(file.relative_to(root)) for file in files)


def test_fetched_once_and_as_published(server: Served, tmp_path: Path) -> None:
    shelf = shelf_of(little(server), tmp_path)
    assert shelf.state == "absent"
    get(shelf)
    get(shelf)
    assert len(server.asked) == 1
    assert shelf.state == "present"
    assert left(tmp_path) == [".cfexp/little.json", "little/movies.dat", "little/ratings.dat"]
    found = {file.path: file for file in check(shelf)}
    assert found["ratings.dat"].verdict == "published"
    assert found["movies.dat"].verdict == "as first downloaded"
    assert found["movies.dat"].rows == 2
    assert not any(file.wrong for file in found.values())


def test_terms_first(server: Served, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="terms were not acknowledged"):
        get(shelf_of(little(server), tmp_path, accepted=False))
    assert server.asked == []
    assert left(tmp_path) == []


def test_what_is_remembered_at_the_same_time_is_all_remembered(
    server: Served, tmp_path: Path
) -> None:
    class Slow(Shelf):
        def _record(self) -> dict[str, Any]:
            found = super()._record()
            time.sleep(0.05)
            return found

    shelf = Slow(little(server), tmp_path)
    changes = [partial(shelf.keep, {"a": "1"}), shelf.accept, partial(shelf.keep, {"b": "2"})]
    threads = [threading.Thread(target=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shelf.kept == {"a": "1", "b": "2"}
    assert shelf.accepted
    assert left(tmp_path) == [".cfexp/little.json"]


def test_other_terms_are_acknowledged_anew(server: Served, tmp_path: Path) -> None:
    dataset = little(server)
    shelf_of(dataset, tmp_path)
    terms = Terms(licence="free", text="Use it well.", citation="Us.")
    assert Shelf(dataset, tmp_path).accepted
    assert not Shelf(dataset.model_copy(update={"terms": terms}), tmp_path).accepted


def test_pre_filled_needs_neither_terms_nor_network(server: Served, tmp_path: Path) -> None:
    (tmp_path / "Little-1").mkdir()
    (tmp_path / "Little-1" / "ratings.dat").write_bytes(RATINGS)
    shelf = shelf_of(little(server), tmp_path, accepted=False)
    assert shelf.state == "partial"
    (tmp_path / "Little-1" / "movies.dat").write_bytes(MOVIES)
    assert shelf.state == "present"
    get(shelf)
    assert server.asked == []
    assert [file.verdict for file in check(shelf)] == ["published", "not verified"]


def test_what_a_user_laid_there_is_not_replaced(server: Served, tmp_path: Path) -> None:
    (tmp_path / "Little-1").mkdir()
    (tmp_path / "Little-1" / "ratings.dat").write_bytes(b"of my own\n")
    shelf = shelf_of(little(server), tmp_path)
    get(shelf)
    assert (tmp_path / "Little-1" / "ratings.dat").read_bytes() == b"of my own\n"
    assert (tmp_path / "Little-1" / "movies.dat").read_bytes() == MOVIES
    assert [file.wrong for file in check(shelf)] == [True, False]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"checksum": sha(b"another")}, "ratings.dat: not the file that was published"),
        ({"checksum": None, "rows": 3}, "ratings.dat: 2 rows, where 3 were published"),
        ({"path": "links.dat"}, "the archive holds no file 'links.dat'"),
    ],
)
def test_what_is_not_as_published_is_not_kept(
    server: Served, tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    shelf = shelf_of(little(server, **change), tmp_path)
    with pytest.raises(DownloadError, match=problem):
        get(shelf)
    assert left(tmp_path) == [".cfexp/little.json"]
    assert shelf.state == "absent"


def test_an_archive_of_another_checksum(server: Served, tmp_path: Path) -> None:
    dataset = little(server)
    server.files["little.zip"] = server.files["little.zip"][:-1] + b"!"
    with pytest.raises(DownloadError, match=r"little\.zip: not the file .* expected sha256:"):
        get(shelf_of(dataset, tmp_path))
    assert left(tmp_path) == [".cfexp/little.json"]


def test_a_checksum_of_the_first_download_holds_from_then_on(
    server: Served, tmp_path: Path
) -> None:
    shelf = shelf_of(little(server), tmp_path)
    get(shelf)
    (tmp_path / "little" / "movies.dat").write_bytes(MOVIES.replace(b"Two", b"Ten"))
    assert [file.verdict for file in check(shelf)] == ["published", "differs"]
    (tmp_path / "little" / "movies.dat").unlink()
    server.files["little.zip"] = archive(ratings_dat=RATINGS, movies_dat=MOVIES + b"!")
    with pytest.raises(DownloadError, match=r"movies\.dat: not the file"):
        get(shelf_of(little(server), tmp_path))


def test_a_stopped_download_is_resumed_and_leaves_no_half_file(
    server: Served, tmp_path: Path
) -> None:
    big = b"".join(b"1::%d::5::100\n" % movie for movie in range(30_000))
    server.files["little.zip"] = archive(ratings_dat=big, movies_dat=MOVIES)
    shelf = shelf_of(little(server, checksum=sha(big), rows=30_000), tmp_path)
    server.cut = [100_000, 0]
    with pytest.raises(DownloadError, match="goes on from there"):
        get(shelf)
    assert shelf.state == "partial"
    assert not (tmp_path / "little").exists()
    get(shelf)
    assert server.asked[-1] == "bytes=100000-"
    assert (tmp_path / "little" / "ratings.dat").read_bytes() == big


def test_two_at_once_download_once(server: Served, tmp_path: Path) -> None:
    shelf = shelf_of(little(server), tmp_path)
    said: list[str] = []

    def slow(*_: object) -> None:
        time.sleep(0.3)

    first = threading.Thread(target=fetch, args=(shelf, slow, said.append, QUICK))
    first.start()
    while not server.asked:
        time.sleep(0.005)
    fetch(shelf, slow, said.append, QUICK)
    first.join()
    assert len(server.asked) == 1
    assert said.count("another process is downloading little; waiting for it") == 1


def test_what_a_killed_process_left_is_removed(server: Served, tmp_path: Path) -> None:
    stale = tmp_path / ".cfexp" / "little" / "unpacked-x"
    stale.mkdir(parents=True)
    (stale / "ratings.dat").write_bytes(b"half")
    get(shelf_of(little(server), tmp_path))
    assert not stale.exists()


def test_no_room(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = shelf_of(little(server), tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(DownloadError, match=r"0 MiB are free, and little\.zip needs about"):
        get(shelf)
    assert server.asked == []


def test_a_disk_that_fills_up(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shelf = shelf_of(little(server), tmp_path)
    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(DownloadError, match="no room is left on the disk"):
        get(shelf)
    assert left(tmp_path) == [".cfexp/little.json"]


def test_what_cannot_be_downloaded_may_be_laid_there(server: Served, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(DownloadError) as caught:
        get(shelf_of(little(server), tmp_path))
    refused, by_hand = str(caught.value).splitlines()
    assert refused.endswith("/little.zip: the server answers 404 Not Found")
    assert by_hand == f"(little.zip from http://here may be laid into {tmp_path / 'little'})"
    assert left(tmp_path) == [".cfexp/little.json"]


def test_an_archive_that_was_laid_there(server: Served, tmp_path: Path) -> None:
    shelf = shelf_of(little(server), tmp_path, accepted=False)
    shelf.folder.mkdir()
    laid = shelf.folder / "little.zip"
    laid.write_bytes(server.files["little.zip"][:-1] + b"!")
    with pytest.raises(DownloadError, match=r"little\.zip: not the file that was published"):
        get(shelf)
    laid.write_bytes(server.files["little.zip"])
    get(shelf)
    assert server.asked == []
    assert shelf.state == "present"
    assert (shelf.folder / "ratings.dat").read_bytes() == RATINGS
    assert laid.is_file()


def test_an_optional_file_that_fails_is_said(server: Served, tmp_path: Path) -> None:
    more = Download(url=f"{server.url}/none.txt", files=(File(path="none.txt", optional=True),))
    dataset = little(server)
    dataset = dataset.model_copy(update={"downloads": (*dataset.downloads, more)})
    said = get(shelf_of(dataset, tmp_path))
    assert "answers 404" in said[-1]
    assert Shelf(dataset, tmp_path).state == "present"


def test_checksums_as_their_own_tools_print_them(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"hello\nworld")
    expected = {
        "md5:9195d0beb2a889e1be05ed6bb1954837",  # md5sum
        "git:9db7df02b6026626607ed9643ea24af9dc09c2c9",  # git hash-object
    }
    found = measure(file, *expected)
    assert expected < set(found.checksums.values())
    assert found.lines == 2
