"""Blocks, threads and BLAS."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from cfexp.parallel import cores, each_block, one_blas_thread


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
def test_every_number_once(threads: int | None) -> None:
    seen = np.zeros(103, int)

    def work(block: slice) -> None:
        seen[block] += 1

    each_block(103, 10, work, threads)
    assert (seen == 1).all()
    each_block(0, 10, work, threads)


def test_two_threads_work_at_a_time() -> None:
    together = threading.Barrier(2, timeout=20)
    each_block(2, 1, lambda _: together.wait() and None, 2)


def test_nested_calls_end() -> None:
    done = []
    each_block(4, 1, lambda _: each_block(4, 1, lambda _: done.append(1), 2), 2)
    assert len(done) == 16


def test_blas_has_one_thread_inside_and_its_own_outside() -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with one_blas_thread:
        pass  # all libraries are loaded
    before = threads()
    with one_blas_thread, one_blas_thread:
        assert set(threads()) == {1}
    assert threads() == before


def test_the_first_error_is_raised() -> None:
    def broken(block: slice) -> None:
        raise ValueError(f"block {block.start}")

    with pytest.raises(ValueError, match="block"):
        each_block(8, 1, broken, 2)


def test_there_is_a_core() -> None:
    assert cores() >= 1
