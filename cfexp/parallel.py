"""Threads over fixed blocks: the one place where work is shared out.

Blocks are cut by size alone and BLAS works with one thread inside, so what is
computed for a row never depends on how many threads there are.
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def excess(threads: int, workers: int = 0) -> str | None:
    """Return words of warning where threads, of each worker if there are any, outnumber cores."""
    if max(workers, 1) * threads <= cores():
        return None
    of_workers = f"{workers} workers x " if workers else ""
    return (
        f"{of_workers}{threads} threads on {cores()} cores: more threads than cores only wait for "
        "each other"
    )


def warn_of_threads(threads: int | None) -> None:
    """Warn of more threads than cores."""
    if threads is not None and (words := excess(threads)):
        warnings.warn(words, stacklevel=3)


def each_block(
    n: int, size: int, work: Callable[[slice], None], threads: int | None = None
) -> None:
    """Call `work` with every slice of `size` consecutive numbers below `n`.

    Up to `threads` (None: all cores) calls run at a time; `work` must release the
    GIL to gain from it and must write to nothing that other blocks write to. The
    first error of a call is raised once all have ended.
    """
    blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    todo: Iterator[slice] = iter(blocks)

    def drain() -> None:
        for block in todo:
            work(block)

    helpers = min(cores() if threads is None else max(threads, 1), len(blocks)) - 1
    futures: list[Future[None]] = []
    with one_blas_thread:
        try:
            if helpers > 0:
                futures = [_pool(helpers).submit(drain) for _ in range(helpers)]
            drain()
        finally:
            # one that has not started by now would find nothing to do
            running = [future for future in futures if not future.cancel()]
            errors = [error for future in running if (error := future.exception())]
        if errors:
            raise errors[0]


@cache
def _pool(helpers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(helpers, thread_name_prefix="cfexp")


# threads do not survive a fork
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


class _OneBlasThread:
    """Holds BLAS at one thread while anybody is inside; may be entered by many at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = _blas().limit(limits=1)
                self._limit.__enter__()
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.__exit__(None, None, None)


@cache
def _blas() -> Any:  # noqa: ANN401
    # finding the libraries takes milliseconds, so they are all loaded before it is done once
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


one_blas_thread = _OneBlasThread()
"""`with one_blas_thread:` keeps NumPy's and SciPy's own threads out of the way."""
