"""Downloads from a server that breaks off, changes, refuses and lies."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from served import Served, serve

from cfexp.data.public.transfer import Patience, transfer
from cfexp.errors import DownloadError

DATA = bytes(range(256)) * 4_000
BLOCK = 1 << 14
QUICK = Patience(tries=3, pause=0.001, timeout=5.0)


@pytest.fixture
def server() -> Iterator[Served]:
    with serve() as served:
        served.files["data.bin"] = DATA
        yield served


def get(
    server: Served, folder: Path, most: int = 1 << 30, say: Callable[[str], object] = print
) -> tuple[bytes, list[int]]:
    seen: list[int] = []
    target = folder / "data.bin"
    url = f"{server.url}/data.bin"

    def watch(_what: str, done: int, _total: int | None) -> None:
        seen.append(done)

    transfer(url, target, most, watch=watch, say=say, patience=QUICK)
    return target.read_bytes(), seen


def left(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_whole_with_progress(server: Served, tmp_path: Path) -> None:
    data, seen = get(server, tmp_path)
    assert data == DATA
    assert seen == sorted(seen)
    assert seen[-1] == len(DATA)
    assert left(tmp_path) == ["data.bin"]


def test_a_broken_connection_goes_on_where_it_was(server: Served, tmp_path: Path) -> None:
    server.cut = [10 * BLOCK, 5 * BLOCK + 1]
    assert get(server, tmp_path)[0] == DATA
    assert server.asked == [None, f"bytes={10 * BLOCK}-", f"bytes={15 * BLOCK + 1}-"]


def test_a_later_command_goes_on_too(server: Served, tmp_path: Path) -> None:
    server.cut = [10 * BLOCK, 0, 0]
    with pytest.raises(DownloadError, match="163,840 bytes are kept, and the same command"):
        get(server, tmp_path)
    assert left(tmp_path) == ["data.bin.partial", "data.bin.version"]
    assert get(server, tmp_path)[0] == DATA
    assert server.asked[-1] == f"bytes={10 * BLOCK}-"
    assert left(tmp_path) == ["data.bin"]


def test_a_file_that_changed_meanwhile_starts_anew(server: Served, tmp_path: Path) -> None:
    server.cut = [10 * BLOCK, 0, 0]
    with pytest.raises(DownloadError):
        get(server, tmp_path)
    server.files["data.bin"], server.version = DATA[::-1], '"2"'
    assert get(server, tmp_path)[0] == DATA[::-1]


@pytest.mark.parametrize("version", [None, 'W/"1"'])
def test_without_a_version_nothing_is_resumed_or_left(
    server: Served, tmp_path: Path, version: str | None
) -> None:
    server.version, server.cut = version, [300_000, 300_000, 300_000]
    with pytest.raises(DownloadError, match=r"no progress in 3 tries.*nothing was kept"):
        get(server, tmp_path)
    assert set(server.asked) == {None}
    assert left(tmp_path) == []


def test_a_server_without_ranges_sends_all_again(server: Served, tmp_path: Path) -> None:
    server.ranges, server.cut = False, [300_000]
    assert get(server, tmp_path)[0] == DATA


def test_bytes_are_not_promised_of_a_server_without_ranges(server: Served, tmp_path: Path) -> None:
    server.ranges, server.cut = False, [300_000] * 3
    with pytest.raises(DownloadError, match=r"no progress in 3 tries.*nothing was kept"):
        get(server, tmp_path)
    assert server.asked == [None, "bytes=300000-", None], "it is asked for a part once"
    assert left(tmp_path) == []


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_an_archive_that_is_called_an_encoding_comes_as_it_is(
    server: Served, tmp_path: Path, encoding: str
) -> None:
    archive = server.files["data.bin"] = gzip.compress(np.random.default_rng(0).bytes(100_000))
    server.encoding, server.cut = encoding, [3 * BLOCK]
    assert get(server, tmp_path)[0] == archive
    assert server.asked == [None, f"bytes={3 * BLOCK}-"]


def test_more_than_was_announced_starts_anew(server: Served, tmp_path: Path) -> None:
    server.cut, server.announced = [10 * BLOCK], 11 * BLOCK
    said: list[str] = []
    assert get(server, tmp_path, say=said.append)[0] == DATA
    assert server.asked == [None, f"bytes={10 * BLOCK}-", None]
    assert said[1] == (
        f"data.bin: the server sent more than the {11 * BLOCK:,} bytes that it announced; "
        "trying again"
    )


def test_another_part_than_asked_for_is_not_appended(server: Served, tmp_path: Path) -> None:
    server.shift, server.cut = 7, [300_000]
    assert get(server, tmp_path)[0] == DATA


def test_a_part_longer_than_the_file_starts_anew(server: Served, tmp_path: Path) -> None:
    (tmp_path / "data.bin.partial").write_bytes(DATA + b"more")
    (tmp_path / "data.bin.version").write_text('"1"')
    assert get(server, tmp_path)[0] == DATA
    assert server.asked[0] == f"bytes={len(DATA) + 4}-"


def test_busy_servers_are_asked_again(server: Served, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    assert get(server, tmp_path)[0] == DATA


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (404, 1), (500, 3)])
def test_refusals(server: Served, tmp_path: Path, status: int, tries: int) -> None:
    server.statuses = [status] * 9
    with pytest.raises(DownloadError, match=f"the server answers {status}"):
        get(server, tmp_path)
    assert len(server.asked) == tries
    assert left(tmp_path) == []


@pytest.mark.parametrize("length", [True, False])
def test_more_than_is_expected(server: Served, tmp_path: Path, length: bool) -> None:  # noqa: FBT001
    server.length = length
    with pytest.raises(DownloadError, match="at most 100,000 are expected"):
        get(server, tmp_path, most=100_000)
    assert left(tmp_path) == []


def test_what_goes_wrong_is_said_in_plain_words(server: Served, tmp_path: Path) -> None:
    server.cut, server.statuses = [300_000], [503]
    said: list[str] = []
    get(server, tmp_path, say=said.append)
    again = "trying again"
    broken = "Connection broken: IncompleteRead(300000 bytes read, 724000 more expected)"
    assert said == [
        f"data.bin: the server answers 503 Service Unavailable; {again}",
        f"data.bin: {broken}; {again}",
    ]


def test_a_connection_that_breaks_before_any_byte_leaves_nothing(
    server: Served, tmp_path: Path
) -> None:
    server.cut = [0] * 9
    with pytest.raises(DownloadError, match="nothing was kept"):
        get(server, tmp_path)
    assert left(tmp_path) == []


def test_redirected(server: Served, tmp_path: Path) -> None:
    with serve() as first:
        first.elsewhere = server.url
        assert get(first, tmp_path)[0] == DATA


@pytest.mark.parametrize(
    ("elsewhere", "problem"),
    [
        ("file:///etc", "No connection adapters were found for 'file:///etc/data"),
        ("", "30 redirect"),
    ],
)
def test_redirected_to_nowhere(
    server: Served, tmp_path: Path, elsewhere: str, problem: str
) -> None:
    server.elsewhere = elsewhere or server.url
    with pytest.raises(DownloadError, match=problem):
        get(server, tmp_path)
    assert len(server.asked) == (1 if elsewhere else 31), "no second try"
    assert left(tmp_path) == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PEM file of a key and of a certificate for 127.0.0.1 that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return str(file)


def test_a_server_that_cannot_prove_who_it_is(certificate: str, tmp_path: Path) -> None:
    with serve(certificate) as server, pytest.raises(DownloadError, match="certificate verify"):
        get(server, tmp_path)
    assert server.asked == []
    assert left(tmp_path) == []


def test_an_encrypted_address_leads_to_no_other(
    server: Served, certificate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    with serve(certificate) as encrypted:
        encrypted.files = server.files
        assert get(encrypted, tmp_path)[0] == DATA
        (tmp_path / "data.bin").unlink()
        encrypted.elsewhere = server.url
        with pytest.raises(DownloadError, match="which is not encrypted; refused"):
            get(encrypted, tmp_path)
    assert left(tmp_path) == []


def test_nobody_there(tmp_path: Path) -> None:
    with serve() as gone:
        pass
    problem = (
        r"no progress in 3 tries, the last time: Failed to establish a new connection: \[Errno"
    )
    with pytest.raises(DownloadError, match=problem):
        get(gone, tmp_path)
    assert left(tmp_path) == []
