"""What is written down is written to its end, whenever Ctrl-C comes."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from cfexp.signals import uninterrupted


@pytest.mark.parametrize("threads", [0, 1])
def test_what_is_being_written_is_written_to_its_end(threads: int) -> None:
    over = threading.Event()
    others = [threading.Thread(target=over.wait) for _ in range(threads)]
    for other in others:  # it may take the signal, as the display's thread does
        other.start()
    written = []

    def write() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            written.append(True)

    try:
        with pytest.raises(KeyboardInterrupt):
            write()
    finally:
        over.set()
    assert written
