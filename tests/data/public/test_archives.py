"""Archives as they are published, and as an attacker would make them."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from cfexp.data.public.archives import unpack
from cfexp.errors import DownloadError

FILES = {
    "set/readme": b"about",
    "set/data/rows.csv": b"a,b\n1,2\n",
    "__MACOSX/set/._rows.csv": b"x",
}


def zipped(file: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file


def tarred(file: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    mode = "w:bz2" if file.suffix == ".bz2" else "w:gz"
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return file


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_wanted_members_alone_whatever_folder_is_above_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    unpack(zipped(tmp_path / "a.zip", FILES), ["data/rows.csv"], out)
    assert files_in(out) == ["data/rows.csv"]
    assert (out / "data/rows.csv").read_bytes() == FILES["set/data/rows.csv"]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.bz2"])
def test_tar(tmp_path: Path, name: str) -> None:
    archive = tarred(
        tmp_path / name,
        member("set", tarfile.DIRTYPE),
        member("./set/old/rows.tsv"),
        member("./set/rows.tsv"),
        data=b"1\t2\n",
    )
    unpack(archive, ["rows.tsv"], tmp_path / "out")
    assert files_in(tmp_path / "out") == ["rows.tsv"]


def test_one_compressed_or_plain_file(tmp_path: Path) -> None:
    for name, data in {"a.gz": gzip.compress(b"x"), "a.bz2": bz2.compress(b"x"), "a": b"x"}.items():
        (tmp_path / name).write_bytes(data)
        unpack(tmp_path / name, [f"{name}.txt"], tmp_path / "out")
        assert (tmp_path / "out" / f"{name}.txt").read_bytes() == b"x"


@pytest.mark.parametrize(
    "name", ["../evil", "set/../../evil", "/evil", "..\\evil", "C:/evil", "\\\\host\\evil"]
)
def test_paths_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    bad = [
        zipped(tmp_path / "a.zip", {"rows.csv": b"1", name: b"2"}),
        tarred(tmp_path / "a.tar.gz", member("rows.csv"), member(name), data=b"2"),
    ]
    for archive in bad:
        with pytest.raises(DownloadError, match="would leave its folder; refused"):
            unpack(archive, ["rows.csv"], tmp_path / "in" / "out")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices(tmp_path: Path, kind: bytes) -> None:
    archive = tarred(tmp_path / "a.tar.gz", member("rows.csv", kind, "/etc/passwd"))
    with pytest.raises(DownloadError, match="a link or no file; refused"):
        unpack(archive, ["rows.csv"], tmp_path / "out")


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("rows.csv")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DownloadError, match="a link or no file"):
        unpack(tmp_path / "a.zip", ["rows.csv"], tmp_path / "out")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.gz"])
def test_bombs(tmp_path: Path, name: str) -> None:
    zeros = bytes(40 << 20)
    if name == "a.zip":
        archive = zipped(tmp_path / name, {"rows.csv": zeros})
    elif name == "a.gz":
        archive = tmp_path / name
        archive.write_bytes(gzip.compress(zeros, 9))
    else:  # also when it is in a member that is passed over
        archive = tarred(tmp_path / name, member("other"), data=zeros)
    with pytest.raises(DownloadError, match="unpacks to more than"):
        unpack(archive, ["rows.csv"], tmp_path / "out")
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*")) < 20 << 20


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.bz2", "a.gz"])
def test_damaged(tmp_path: Path, name: str) -> None:
    if name == "a.zip":
        archive = zipped(tmp_path / name, {"rows.csv": b"1,2\n" * 999})
    elif name == "a.gz":
        archive = tmp_path / name
        archive.write_bytes(gzip.compress(b"1,2\n" * 999))
    else:
        archive = tarred(tmp_path / name, member("rows.csv"), data=b"1,2\n" * 999)
    whole = archive.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"not an archive", whole[:40] + b"?" + whole[41:]):
        archive.write_bytes(damaged)
        with pytest.raises(DownloadError, match="damaged archive"):
            unpack(archive, ["rows.csv"], tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_any_damage_is_an_error_of_ours_or_none(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a/rows.csv", b"1,2\n" * 99)
    whole = (tmp_path / "a.zip").read_bytes()
    refused = 0
    for place in range(len(whole)):
        for value in (0, 255):
            damaged = whole[:place] + bytes([value]) + whole[place + 1 :]
            (tmp_path / "a.zip").write_bytes(damaged)
            try:
                unpack(tmp_path / "a.zip", ["rows.csv"], tmp_path / "out")
            except DownloadError:
                refused += 1
    assert refused > len(whole) / 2


def test_encrypted(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", FILES).read_bytes())
    for mark in (b"PK\x01\x02", b"PK\x03\x04"):  # the flags of every member, twice each
        place = data.find(mark)
        while place >= 0:
            data[place + (8 if mark[2] == 1 else 6)] |= 1
            place = data.find(mark, place + 1)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DownloadError, match=r"'set/data/rows\.csv' is encrypted"):
        unpack(tmp_path / "a.zip", ["data/rows.csv"], tmp_path / "out")


def test_a_file_that_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"the archive holds no file 'u\.data'"):
        unpack(zipped(tmp_path / "a.zip", FILES), ["u.data"], tmp_path / "out")
