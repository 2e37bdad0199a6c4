"""One file over HTTP: resumed where it stopped, tried again, and whole or not there at all.

What came so far lies beside the target as `NAME.partial`, with what the server said of its
version (`ETag` or `Last-Modified`) in `NAME.version`. It goes on from there only while the
server has that version still (RFC 9110, If-Range); without one it starts anew. A file lands as
the bytes that are sent: a `Content-Encoding` of gzip is often said of what is an archive itself.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Protocol, TypeAlias

from cfexp.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from requests import Response

_BLOCK = 1 << 14
"""Bytes read at once."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be other ones a moment later."""
_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 200, 206, 416


class Watch(Protocol):
    """Is told how work goes on."""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of `what`."""


Say: TypeAlias = "Callable[[str], None]"
"""Is told in a line what happens."""


class _AgainError(Exception):
    """What failed may go well the next time."""


@dataclass(frozen=True)
class Patience:
    """How often a transfer that stands still is tried, and how long each is waited for."""

    tries: int = 5
    pause: float = 1.0
    """Seconds before the second try; doubled each time."""
    timeout: float = 30.0
    """Seconds without a byte."""


@dataclass
class _Partial:
    """What came so far, and of which version."""

    target: Path
    ranges: bool = True
    """False once the server was asked for the rest of this version and sent all of it."""

    @property
    def file(self) -> Path:
        return self.target.with_name(f"{self.target.name}.partial")

    @property
    def _note(self) -> Path:
        return self.target.with_name(f"{self.target.name}.version")

    @property
    def version(self) -> str:
        return self._note.read_text() if self._note.exists() and self.file.exists() else ""

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def resumable(self) -> bool:
        return bool(self.ranges and self.version and self.size)

    def begin(self, response: Response) -> None:
        asked = self.version if self.resumable else ""
        self.discard()
        tag = response.headers.get("ETag", "")  # a weak one says nothing of the bytes
        version = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")
        self.file.touch()
        self.ranges = self.ranges and not (asked and version == asked)
        if version:
            self._note.write_text(version)

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        self.file.replace(self.target)
        self._note.unlink(missing_ok=True)


def transfer(
    url: str, target: Path, most: int, *, watch: Watch, say: Say, patience: Patience
) -> None:
    """Download `url`, of at most `most` bytes, to `target`.

    Raises
    ------
    DownloadError
        When the server refuses, sends too much, is not who it should be, or stands still for
        all tries. What came so far is kept when it can be resumed.
    """
    partial = _Partial(target)
    try:
        _until_whole(url, partial, most, watch=watch, say=say, patience=patience)
    except BaseException:
        if not partial.resumable:
            partial.discard()
        raise
    partial.finish()


def _until_whole(
    url: str, partial: _Partial, most: int, *, watch: Watch, say: Say, patience: Patience
) -> None:
    import requests
    from urllib3.exceptions import HTTPError

    failures, furthest = 0, partial.size
    while True:
        try:
            return _attempt(url, partial, most, watch, patience.timeout)
        except (requests.RequestException, HTTPError, _AgainError) as error:
            if _lasting(error):
                raise DownloadError(f"{url}: {_reason(error)}") from error
            failures = 1 if partial.size > furthest else failures + 1
            furthest = max(furthest, partial.size)
            if failures >= patience.tries:
                raise DownloadError(_gave_up(url, partial, error, failures)) from error
            say(f"{partial.target.name}: {_reason(error)}; trying again")
            time.sleep(patience.pause * 2 ** (failures - 1))


def _attempt(url: str, partial: _Partial, most: int, watch: Watch, timeout: float) -> None:
    """Fetch what is missing of the file; an error that may pass where it does not come whole."""
    import requests

    headers = {"Accept-Encoding": "identity", "User-Agent": "cfexp"}
    if partial.resumable:
        headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.version}
    else:
        partial.discard()
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        _refuse_detour(url, response)
        total = _total(url, partial, response)
        if total is not None and total > most:
            partial.discard()
            raise DownloadError(_too_much(url, total, most))
        with partial.file.open("ab") as stream:
            done = stream.tell()
            for block in response.raw.stream(_BLOCK, decode_content=False):
                done += len(block)
                if done > (most if total is None else total):  # which is at most `most`
                    break
                stream.write(block)
                watch(partial.target.name, done, total)
    if total is not None and done > total:
        partial.discard()
        raise _AgainError(f"the server sent more than the {total:,} bytes that it announced")
    if done > most:
        partial.discard()
        raise DownloadError(_too_much(url, done, most))
    if total is not None and done < total:
        raise _AgainError(f"the connection ended after {done:,} of {total:,} bytes")


def _refuse_detour(url: str, response: Response) -> None:
    """Raise DownloadError where an encrypted address led to one that is not."""
    passed = [one.url for one in (*response.history, response)]
    plain = next((one for one in passed if not one.startswith("https:")), None)
    if plain and url.startswith("https:"):
        raise DownloadError(f"{url}: the server leads to {plain}, which is not encrypted; refused")


def _total(url: str, partial: _Partial, response: Response) -> int | None:
    """Return the size of the whole file, where the server says it; start anew where it must be."""
    status, length = response.status_code, response.headers.get("Content-Length")
    if status == _OK:
        partial.begin(response)
        return int(length) if length is not None and length.isdecimal() else None
    if status == _PARTIAL_CONTENT:
        said = response.headers.get("Content-Range", "")
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", said)
        if span is None or int(span[1]) != partial.size:
            partial.discard()
            raise _AgainError(f"the server sent another part than was asked for: {said!r}")
        return int(span[2])
    if status == _RANGE_NOT_SATISFIABLE:
        partial.discard()
    if status in _PASSING or status == _RANGE_NOT_SATISFIABLE:
        raise _AgainError(f"the server answers {status} {response.reason}")
    raise DownloadError(f"{url}: the server answers {status} {response.reason}")


def _too_much(url: str, size: int, most: int) -> str:
    return f"{url}: {size:,} bytes or more, where at most {most:,} are expected; nothing was kept"


def _gave_up(url: str, partial: _Partial, error: Exception, tries: int) -> str:
    kept = (
        f"; {partial.size:,} bytes are kept, and the same command goes on from there"
        if partial.resumable
        else "; nothing was kept"
    )
    return f"{url}: no progress in {tries} tries, the last time: {_reason(error)}{kept}"


def _lasting(error: Exception) -> bool:
    """Return whether what failed will fail again."""
    from requests import exceptions

    addresses = (exceptions.InvalidSchema, exceptions.InvalidURL, exceptions.TooManyRedirects)
    return isinstance(error, addresses) or isinstance(_root(error), SSLCertVerificationError)


def _reason(error: Exception) -> str:
    """Return what failed, without the names of pools around it."""
    root = _root(error)
    words = root.args[0] if root.args and isinstance(root.args[0], str) else str(root)
    return re.sub(r"^HTTPS?Connection(Pool)?\(.*?\): ", "", words)


def _root(error: BaseException) -> BaseException:
    """Return the error that others were made of."""
    inner = getattr(error, "reason", None)
    if not isinstance(inner, BaseException):
        inner = next(iter(error.args), None)
    return _root(inner) if isinstance(inner, BaseException) else error
