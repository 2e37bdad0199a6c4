"""Commands that compute, stopped by Ctrl-C or because nobody reads their output any more."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


@contextmanager
def stoppable(console: Console, words: str) -> Iterator[None]:
    """Say `words` where the block is stopped; on standard error where the output was closed."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if console.quiet:  # rich's SystemExit: the reader has gone (`cfexp run FILE | head`)
            sys.stderr.write(f"Standard output was closed. {words}\n")
        else:
            console.print(words, soft_wrap=True, markup=False, highlight=False)
        raise
