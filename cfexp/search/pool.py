"""`Pool`: the computing processes, seen from the coordinator."""

from __future__ import annotations

import selectors
import signal
import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from cfexp.errors import WorkerError
from cfexp.process import Child
from cfexp.search.record import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Job(ABC):
    """A task for one worker, and what becomes of its answers.

    `done` and `failed` take what the next job may depend on; `claim` and `keep` write
    it down, while the worker is busy already.
    """

    task: dict[str, Any]

    def claim(self) -> None:  # noqa: B027 - there may be nothing to write
        """Write down that a worker has the task."""

    def point(self, point: Point) -> bool:  # noqa: ARG002
        """Take an evaluated epoch and say whether to go on."""
        return True

    @abstractmethod
    def done(self, answer: dict[str, Any]) -> None:
        """Take the result."""

    @abstractmethod
    def failed(self, reason: str) -> None:
        """Take the reason why there is none."""

    def keep(self) -> None:  # noqa: B027 - likewise
        """Write down how it ended."""


class _Worker(Child):
    """One worker process; replaced by the pool when it dies."""

    def __init__(self) -> None:
        super().__init__("cfexp.search.worker")
        self.job: Job | None = None


class Pool:
    """A fixed number of worker processes that take jobs until there are none.

    They start at once, importing while there is nothing to `set_up` yet.
    """

    def __init__(self, workers: int, note: Callable[[str], None]) -> None:
        self._note = note
        self._processes = [_Worker() for _ in range(workers)]
        self._setup: dict[str, Any] = {}
        self._later: list[Callable[[], None]] = []

    def set_up(self, **setup: Any) -> None:  # noqa: ANN401
        """Tell all workers what to load, now and whenever one has to be replaced."""
        self._setup = {"do": "setup", **setup}
        for process in self._processes:
            self._tell(process)

    def _tell(self, process: _Worker) -> None:
        process.job = _Setup()
        process.send(self._setup)

    def _start(self) -> _Worker:
        process = _Worker()
        self._tell(process)
        return process

    def __len__(self) -> int:
        return len(self._processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()

    def run(self, next_job: Callable[[], Job | None]) -> None:
        """Give every idle worker the next job, until `next_job` has none and all are idle."""
        try:
            while True:
                self._hand_out(next_job)
                self._write()
                if all(process.job is None for process in self._processes):
                    return
                self._wait()
        finally:
            self._write()

    def _hand_out(self, next_job: Callable[[], Job | None]) -> None:
        for index, process in enumerate(self._processes):
            if process.job is not None:
                continue
            if process.ended:  # while idle: no job's fault
                process.kill()
                self._processes[index] = self._start()
            elif (job := next_job()) is not None:
                process.job = job
                process.send(job.task)
                self._later.append(job.claim)

    def _write(self) -> None:
        while self._later:
            with _uninterrupted():
                self._later.pop(0)()

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
            job, reason = process.job, f"the computing process {process.last_words()}"
            process.kill()
            if isinstance(job, _Setup):
                job.failed(reason)
            self._processes[index] = self._start()
            if job is not None:
                job.failed(reason)
                self._later.append(job.keep)
            return
        for message in messages:
            self._handle(process, message)

    def _handle(self, process: _Worker, message: dict[str, Any]) -> None:
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
        self._later.append(job.keep)


class _Setup(Job):
    """Loading the matrices; a worker that cannot do that can do nothing."""

    def done(self, answer: dict[str, Any]) -> None:
        pass

    def failed(self, reason: str) -> None:
        raise WorkerError(f"a computing process could not start: {reason}")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done.

    A mask would not do: any other thread takes the signal, and Python heeds it in this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    late: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: late.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if late:
            signal.raise_signal(late[0])
