"""`Child`: a Python module run in a process of its own, spoken with in lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 16  # bytes read at once
_PARTING_SECONDS = 2
_TAIL = 2000  # characters of a dead process's last words


class Child:
    """One process of ours that answers messages with messages.

    What it prints elsewhere is kept for its last words. Ctrl-C and SIGTERM, which a terminal,
    a container or a batch system sends to all processes at once, are its parent's business:
    it never sees them, and ends with the conversation.
    """

    def __init__(self, module: str) -> None:
        self._rest = b""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        # What is blocked here while the process is born is blocked in it for ever.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def output(self) -> IO[bytes]:
        """Where the process's messages arrive; for a selector."""
        assert self._popen.stdout is not None  # noqa: S101 - for the type checker
        return self._popen.stdout

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._popen.poll() is not None

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; one to a process that has ended is lost.

        It stands between line ends, so that one cut short by Ctrl-C spoils no other.
        """
        assert self._popen.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._popen.stdin.write(b"\n" + json.dumps(message).encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            pass  # its end is noticed when its output is read

    @property
    def has_spoken(self) -> bool:
        """Whether `receive` would return at once."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            return bool(selector.select(0))

    def receive(self) -> list[dict[str, Any]] | None:
        """Wait, return the messages that have arrived, or None when the process has ended."""
        data = os.read(self.output.fileno(), _CHUNK)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def last_words(self) -> str:
        """Say how the ended process ended."""
        code = self._popen.wait()
        self._log.seek(0)
        words = self._log.read().decode(errors="replace").strip()[-_TAIL:]
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            return f"was ended by {name}{hint}"
        return f"ended with code {code}: {words}"

    def kill(self) -> None:
        """End the process, and the conversation."""
        self._popen.kill()
        self._close()
        self._popen.wait()

    def let_go(self) -> None:
        """End the conversation; the process reads what was sent and ends by itself."""
        self._close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_PARTING_SECONDS)

    def _close(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout, self._log):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def messages_of(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Return the messages that a `Child` was sent; one that was cut short is left out."""
    for line in lines:
        with contextlib.suppress(ValueError):
            if line.strip():
                yield json.loads(line)


def answers() -> IO[str]:
    """Return where a `Child` answers; what it prints goes to standard error from now on."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # prints must not break the messages
    return out
