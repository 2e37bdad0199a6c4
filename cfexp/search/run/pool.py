"""`Pool`: the computing processes, seen from the coordinator.

A job whose process dies is handed out again, as killing a process is seldom the job's
fault; one that has lost `DEATHS` of them has failed. A job that is still at work
`GRACE` seconds after its deadline loses its process and is not handed out again.
"""

from __future__ import annotations

import selectors
import time
from abc import ABC, abstractmethod
from math import inf
from typing import TYPE_CHECKING, Any, Self

from cfexp.errors import WorkerError
from cfexp.process import Child
from cfexp.search.store.record import Point
from cfexp.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable


DEATHS = 3
"""How many processes a job may lose before it has failed."""
GRACE = 5.0
"""Seconds after its deadline in which a job may still end by itself."""


class Job(ABC):
    """A task for one worker, and what becomes of its answers.

    `done`, `failed` and `late` take what the next job may depend on; `claim` and `keep`
    write it down, while the worker is busy already.
    """

    task: dict[str, Any]
    label: str
    deaths: int = 0
    """How many processes died under it."""
    deadline: float = inf
    """When it should have ended, in the seconds of `time.monotonic`."""

    def begin(self) -> None:  # noqa: B027 - there may be nothing to note
        """Take that a worker begins with the task, perhaps after another one died."""

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

    def late(self) -> None:
        """Take that it did not end by itself in time."""
        raise NotImplementedError  # of a job without a deadline

    def keep(self) -> None:  # noqa: B027 - likewise
        """Write down how it ended."""


class _Worker(Child):
    """One worker process; replaced by the pool when it dies."""

    def __init__(self) -> None:
        super().__init__("cfexp.search.run.worker")
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
        self._again: list[Job] = []

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
            elif (job := self._again.pop() if self._again else next_job()) is not None:
                process.job = job
                job.begin()
                process.send(job.task)
                if not job.deaths:
                    self._later.append(job.claim)

    def _write(self) -> None:
        while self._later:
            with uninterrupted():
                self._later.pop(0)()

    def _wait(self) -> None:
        with selectors.DefaultSelector() as selector:
            for index, process in enumerate(self._processes):
                if process.job is not None:
                    selector.register(process.output, selectors.EVENT_READ, index)
            for key, _ in selector.select(self._patience()):
                self._receive(key.data)
        self._end_late()

    def _patience(self) -> float | None:
        """Return the seconds until a job will have to be ended, None where no job will."""
        last = min(process.job.deadline for process in self._processes if process.job) + GRACE
        return None if last == inf else max(0.0, last - time.monotonic())

    def _end_late(self) -> None:
        for index, process in enumerate(self._processes):
            job = process.job
            if job is not None and time.monotonic() >= job.deadline + GRACE:
                self._replace(index)
                job.late()
                self._later.append(job.keep)

    def _replace(self, index: int) -> None:
        self._processes[index].kill()
        self._processes[index] = self._start()

    def _receive(self, index: int) -> None:
        process = self._processes[index]
        messages = process.receive()
        if messages is None:
            self._died(index)
            return
        for message in messages:
            self._handle(process, message)

    def _died(self, index: int) -> None:
        process = self._processes[index]
        job, reason = process.job, f"the computing process {process.last_words()}"
        if isinstance(job, _Setup):
            job.failed(reason)
        self._replace(index)
        if job is None:
            return
        job.deaths += 1
        if job.deaths < DEATHS:
            self._note(f"{job.label}: {reason}; it is run again")
            self._again.append(job)
        else:
            job.failed(f"{reason}; it was run {DEATHS} times")
            self._later.append(job.keep)

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

    label = "setup"

    def done(self, answer: dict[str, Any]) -> None:
        pass

    def failed(self, reason: str) -> None:
        raise WorkerError(f"a computing process could not start: {reason}")
