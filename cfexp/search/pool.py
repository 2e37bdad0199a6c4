"""`Pool`: the computing processes, seen from the coordinator."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING, Any, Self

from cfexp.errors import WorkerError
from cfexp.search.record import Point

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 16  # bytes read at once
_TAIL = 2000  # characters of a dead worker's last words


class Job(ABC):
    """A task for one worker, and what becomes of its answers."""

    task: dict[str, Any]

    def point(self, point: Point) -> bool:  # noqa: ARG002
        """Take an evaluated epoch and say whether to go on."""
        return True

    @abstractmethod
    def done(self, answer: dict[str, Any]) -> None:
        """Take the result."""

    @abstractmethod
    def failed(self, reason: str) -> None:
        """Take the reason why there is none."""


class _Process:
    """One worker process; restarted by the pool when it dies."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.job: Job | None = None
        self._rest = b""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "cfexp.search.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is the coordinator's business
        )
        self.send(setup)

    @property
    def output(self) -> IO[bytes]:
        assert self._popen.stdout is not None  # noqa: S101 - for the type checker
        return self._popen.stdout

    @property
    def ended(self) -> bool:
        return self._popen.poll() is not None

    def send(self, message: dict[str, Any]) -> None:
        assert self._popen.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._popen.stdin.write(json.dumps(message).encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            pass  # its end is noticed when its output is read

    def receive(self) -> list[dict[str, Any]] | None:
        """Return the messages that have arrived, or None when the process has ended."""
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
            return f"the computing process was ended by {name}{hint}"
        return f"the computing process ended with code {code}: {words}"

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout, self._log):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class Pool:
    """A fixed number of worker processes that take jobs until there are none."""

    def __init__(self, workers: int, setup: dict[str, Any], note: Callable[[str], None]) -> None:
        self._setup = {"do": "setup", **setup}
        self._note = note
        self._processes = [self._start() for _ in range(workers)]

    def _start(self) -> _Process:
        process = _Process(self._setup)
        process.job = _Setup()
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()

    def run(self, next_job: Callable[[], Job | None]) -> None:
        """Give every idle worker the next job, until `next_job` has none and all are idle."""
        while True:
            for index, process in enumerate(self._processes):
                if process.job is not None:
                    continue
                if process.ended:  # while idle: no job's fault
                    process.kill()
                    self._processes[index] = self._start()
                elif (job := next_job()) is not None:
                    process.job = job
                    process.send(job.task)
            if all(process.job is None for process in self._processes):
                return
            self._wait()

    def _wait(self) -> None:
        with selectors.DefaultSelector() as selector:
            for index, process in enumerate(self._processes):
                if process.job is not None:
                    selector.register(process.output, selectors.EVENT_READ, index)
            for key, _ in selector.select():
                self._receive(key.data)

    def _receive(self, index: int) -> None:
        process = self._processes[index]
        messages = process.receive()
        if messages is None:
            job, reason = process.job, process.last_words()
            process.kill()
            if isinstance(job, _Setup):
                job.failed(reason)
            self._processes[index] = self._start()
            if job is not None:
                job.failed(reason)
            return
        for message in messages:
            self._handle(process, message)

    def _handle(self, process: _Process, message: dict[str, Any]) -> None:
        job = process.job
        if "note" in message:
            self._note(message["note"])
            return
        if job is None:
            raise WorkerError(f"a computing process spoke out of turn: {message}")
        if "point" in message:
            process.send({"go": job.point(Point(**message["point"]))})
            return
        process.job = None
        if "done" in message:
            job.done(message["done"])
        else:
            job.failed(message["error"])


class _Setup(Job):
    """Loading the matrices; a worker that cannot do that can do nothing."""

    def done(self, answer: dict[str, Any]) -> None:
        pass

    def failed(self, reason: str) -> None:
        raise WorkerError(f"a computing process could not start: {reason}")
